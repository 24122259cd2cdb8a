// Keeps the gateways told of what changes in the directory: main asks a few times a second, so that a key that was
// withdrawn opens nothing a second later, on whichever thread.

import { DirectoryFeed } from './persistence/directory.ts';
import type { DirectoryChange } from './switch/directory.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';

const ASK_MS = 250;
/** Silence for longer is a connection that nobody answers on any more. */
const ANSWER_MS = 2_000;

export type TellDirectory = (
  isHearing: boolean,
  changes: readonly DirectoryChange[] | null,
) => void;

/** Begins to ask. While the directory is away, gateways look after their keys themselves. */
export function watchDirectory(options: {
  databaseUrl: string;
  logger: Logger;
  tell: TellDirectory;
}): { stop(): Promise<void> } {
  const { databaseUrl, logger, tell } = options;
  let feed = new DirectoryFeed({ url: databaseUrl });
  let isHearing = false;
  let isOver = false;
  const hear = (changes: readonly DirectoryChange[] | null): void => {
    // What it was told while it did not hear is not known: everything is looked at again.
    if (!isHearing) tell(true, null);
    else if (changes?.length !== 0) tell(true, changes);
    isHearing = true;
  };
  const miss = (error: unknown): void => {
    if (!isHearing) return;
    logger.warn({ what: 'directory.away', err: error }, 'directory.away');
    tell(false, []);
    isHearing = false;
  };
  const ask = async (): Promise<void> => {
    await inTime(feed.read()).then(hear, (error: unknown) => {
      miss(error);
      void feed.close().catch(() => undefined);
      feed = new DirectoryFeed({ url: databaseUrl });
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

function inTime<T>(asked: Promise<T>): Promise<T> {
  return new Promise((done, failed) => {
    const cancel = systemClock.after(ANSWER_MS, () => failed(new Error('no answer in time')));
    asked.then(done, failed).finally(cancel);
  });
}
