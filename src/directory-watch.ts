// Keeps gateways and workers told of what changes in the directory: main asks a few times a second, so that a key that was
// withdrawn opens nothing a second later, an agreement that has ended or a seller who is suspended begins nothing, and
// bills are made of the newest revision of a tariff, on whichever thread.

import { DirectoryFeed } from './persistence/directory.ts';
import type { Agreement } from './switch/agreements.ts';
import type { DirectoryChange } from './switch/directory.ts';
import type { Suspensions } from './switch/sellers.ts';
import type { ToldTariff } from './switch/tariffs.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';

const ASK_MS = 250;
/** Silence for longer is a connection that nobody answers on any more; each statement has its own time. */
const ANSWER_MS = 2_000;

export interface DirectoryListener {
  /** Whether it is heard at all, and what has changed; null: anything may have. */
  directory(isHearing: boolean, changes: readonly DirectoryChange[] | null): void;
  /** All agreements, as they now are. */
  agreements(agreements: readonly Agreement[]): void;
  /** Tariffs that have changed; or, as a whole, all that there are. */
  tariffs(tariffs: readonly ToldTariff[], isWhole: boolean): void;
  /** Who of all sellers is suspended, or of those that have changed. */
  suspensions(suspensions: Suspensions): void;
}

/** Begins to ask. While the directory is away, gateways look after their keys themselves. */
export function watchDirectory(options: {
  databaseUrl: string;
  logger: Logger;
  tell: DirectoryListener;
}): { stop(): Promise<void> } {
  const { databaseUrl, logger, tell } = options;
  const feed = new DirectoryFeed({ url: databaseUrl, logger, timeoutMs: ANSWER_MS });
  let isHearing = false;
  let isOver = false;
  const hear = (changes: readonly DirectoryChange[] | null): void => {
    // What it was told while it did not hear is not known: everything is looked at again.
    if (!isHearing) tell.directory(true, null);
    else if (changes?.length !== 0) tell.directory(true, changes);
    isHearing = true;
  };
  const miss = (error: unknown): void => {
    if (!isHearing) return;
    logger.warn({ what: 'directory.away', err: error }, 'directory.away');
    tell.directory(false, []);
    isHearing = false;
  };
  const look = async (): Promise<readonly DirectoryChange[] | null> => {
    const changes = await feed.read();
    const isAnew = !isHearing || changes === null;
    if (isAnew || changes.some(({ kind }) => kind === 'agreement')) {
      tell.agreements(await feed.agreements());
    }
    const sellers = isAnew ? null : changes.filter(isSeller).map(({ id }) => id);
    if (sellers?.length !== 0) tell.suspensions(await feed.suspensions(sellers));
    if (isAnew) {
      tell.tariffs(await allTariffs(feed), true);
      return changes;
    }
    const ids = changes.flatMap(({ kind, id }) => (kind === 'tariff' ? [id] : []));
    if (ids.length > 0) tell.tariffs(await feed.tariffsOf(ids), false);
    return changes;
  };
  const ask = async (): Promise<void> => {
    await look().then(hear, (error: unknown) => {
      if (!isOver) miss(error);
    });
    if (!isOver) systemClock.after(ASK_MS, () => void ask());
  };
  void ask();
  return {
    stop() {
      isOver = true;
      return feed.close();
    },
  };
}

async function allTariffs(feed: DirectoryFeed): Promise<ToldTariff[]> {
  const all: ToldTariff[] = [];
  for await (const page of feed.tariffs()) all.push(...page);
  return all;
}

function isSeller({ kind }: DirectoryChange): boolean {
  return kind === 'institution' || kind === 'merchant' || kind === 'terminal';
}
