// The acquirers as main sees them: read and tried at start, and served by a thread of their own, where there are any.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { AtAcquirer } from './domain/bill/vocabulary.ts';
import type { InstitutionId } from './domain/ids.ts';
import {
  type AcquirerEntry,
  type AcquirerFile,
  type Opening,
  openAcquirer,
  readAcquirers,
} from './drivers/acquiring/configured.ts';
import { DriverRefused } from './drivers/contract/open-driver.ts';
import { channelOf, ensureAcquirerChannels } from './persistence/acquirer-channels.ts';
import { StartRefusal } from './start-refusal.ts';
import type { AcquirerReply, KnownAcquirer, PostedToAcquirer } from './switch/acquirers.ts';
import { systemClock } from './system-clock.ts';
import type { Logger } from './telemetry/log.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import { KeptThread } from './thread-keeper.ts';
import type {
  AcquirerTask,
  FromAcquirerThread,
  Setting,
  ToAcquirerThread,
  WorkerPort,
} from './threads.ts';

const RESTART_MS = 1_000;
const REPLY_MS = 10_000;

const NO_ACQUIRERS: AcquirerFile = { entries: [], folder: '' };

/** The file that the option names, read and held against its schema; refuses the start where it does not fit. */
export function readAcquirerFile(path: string | null): AcquirerFile {
  if (path === null) return NO_ACQUIRERS;
  try {
    const text = readFileSync(path, 'utf8');
    return { entries: readAcquirers(text), folder: dirname(resolve(path)) };
  } catch (error) {
    throw refusal(path, error);
  }
}

/** What everybody may know of them. Each driver is opened once, so that settings that do not fit refuse the start. */
export async function knownAcquirers(
  file: AcquirerFile,
  { path, databaseUrl, logger }: { path: string | null; databaseUrl: string; logger: Logger },
): Promise<KnownAcquirer[]> {
  const { entries } = file;
  if (entries.length === 0) return [];
  const opening = openingOf(file, logger);
  // At once: a driver of somebody else's may take half a minute, and the start waits for the slowest alone.
  const opened = entries.map((entry) => knownOf(entry, opening));
  const known = await Promise.all(opened).catch((error: unknown) => {
    throw refusal(path, error);
  });
  const channels = known.map(({ at: { name }, institutionId }) => ({ name, institutionId }));
  const misfit = await ensureAcquirerChannels(databaseUrl, channels);
  if (misfit !== null) throw new StartRefusal(`QRSWITCH_ACQUIRERS (${path}): ${misfit}`);
  return known;
}

/** `ended` and `asked` are told of each end of a driver's own process that nobody asked for, and of each call of one. */
export function openingOf(
  { folder }: AcquirerFile,
  logger: Logger,
  ended: Opening['ended'] = () => undefined,
  asked: Opening['asked'] = () => undefined,
): Opening {
  const report = (driver: string, said: string): void =>
    logger.warn({ what: 'driver.failed', driver, said }, 'driver.failed');
  const program = new URL('./drivers/host/driver-process.js', import.meta.url);
  return { folder, program, clock: systemClock, report, ended, asked };
}

async function knownOf(entry: AcquirerEntry, opening: Opening): Promise<KnownAcquirer> {
  const driver = await openAcquirer(entry, opening);
  const { closesByItself, partialRefund, ...can } = driver.capabilities;
  await driver.close();
  const { name, institution, merchants = null, terminals = null, notificationToken } = entry;
  const at: AtAcquirer = { name, paychannelId: channelOf(name), closesByItself, partialRefund };
  const { currencies, amountMin, amountMax, lifetimeMinMs, lifetimeMaxMs } = can;
  return {
    institutionId: institution as InstitutionId,
    merchants,
    terminals,
    at,
    takes: { currencies, amountMin, amountMax, lifetimeMinMs, lifetimeMaxMs },
    notificationToken: notificationToken ?? null,
  };
}

function refusal(path: string | null, error: unknown): StartRefusal {
  const why =
    error instanceof DriverRefused
      ? `${error.message}. Mend the file (docs/acquirers.md), or unset the option.`
      : `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`;
  return new StartRefusal(`QRSWITCH_ACQUIRERS (${path}): ${why}`, { cause: error });
}

export interface AcquirerEvents {
  /** The thread has begun and needs ports to the workers. */
  onBegun(send: (message: WorkerPort) => void): void;
  onEnded(): void;
}

export class Acquirers {
  readonly #known: readonly KnownAcquirer[];
  readonly #isNeeded: boolean;
  readonly #thread: KeptThread<ToAcquirerThread, FromAcquirerThread>;

  constructor(options: {
    setting: Setting;
    file: AcquirerFile;
    logger: Logger;
    events: AcquirerEvents;
  }) {
    const { setting, file, logger, events } = options;
    this.#known = setting.acquirers;
    this.#isNeeded = file.entries.length > 0;
    this.#thread = new KeptThread({
      program: './acquirer-thread.js',
      task: (): AcquirerTask => ({ setting, file }),
      restartMs: RESTART_MS,
      hear: (_begun, say) => events.onBegun(say),
      ended: (reason) => {
        logger.error({ what: 'acquirers.ended', reason }, 'acquirers.ended');
        events.onEnded();
      },
    });
  }

  start(): void {
    if (this.#isNeeded) this.#thread.start();
  }

  /** A worker has begun. */
  attach(makePort: () => WorkerPort): void {
    this.#thread.send(makePort);
  }

  /** What to answer to whoever has posted; null: there is no such address. Undefined: nobody could read it. */
  async posted(token: string, posted: PostedToAcquirer): Promise<AcquirerReply | null | undefined> {
    if (!this.#known.some((known) => known.notificationToken === token)) return null;
    const answer = await this.#thread.ask(REPLY_MS, (seq) => ({
      type: 'posted',
      seq,
      token,
      posted,
    }));
    return answer?.type === 'replied' ? answer.reply : undefined;
  }

  /** Its metrics; undefined where it does not run, or does not answer in time. */
  tell(): Promise<Snapshot | undefined> {
    return this.#thread.tell();
  }

  /** Begins no call any more. */
  stop(): Promise<void> {
    return this.#thread.stop();
  }
}
