// The acquirers as main sees them: read and tried at start, and served by a thread of their own, where there are any.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
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
import type { AcquirerTask, FromAcquirerThread, Setting, ToAcquirerThread } from './threads.ts';

const RESTART_MS = 1_000;
const TELL_MS = 2_000;
const REPLY_MS = 10_000;

export const NO_ACQUIRERS: AcquirerFile = { entries: [], folder: '' };

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
  const known: KnownAcquirer[] = [];
  for (const entry of entries) {
    try {
      known.push(await knownOf(entry, openingOf(file, logger)));
    } catch (error) {
      throw refusal(path, error);
    }
  }
  const channels = known.map(({ at: { name }, institutionId }) => ({ name, institutionId }));
  const misfit = await ensureAcquirerChannels(databaseUrl, channels);
  if (misfit !== null) throw new StartRefusal(`QRSWITCH_ACQUIRERS (${path}): ${misfit}`);
  return known;
}

export function openingOf({ folder }: AcquirerFile, logger: Logger): Opening {
  const report = (reason: string): void =>
    logger.warn({ what: 'acquirer.driver', reason }, 'acquirer.driver');
  const program = new URL('./drivers/host/driver-thread.js', import.meta.url);
  return { folder, program, clock: systemClock, report };
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
  onBegun(send: (message: ToAcquirerThread) => void): void;
  onEnded(): void;
}

export class Acquirers {
  readonly #setting: Setting;
  readonly #file: AcquirerFile;
  readonly #logger: Logger;
  readonly #events: AcquirerEvents;
  #running: { readonly thread: Worker; readonly ended: Promise<void> } | null = null;
  #isStopping = false;
  #seq = 0;
  readonly #asked = new Map<number, (answer: FromAcquirerThread) => void>();

  constructor(options: {
    setting: Setting;
    file: AcquirerFile;
    logger: Logger;
    events: AcquirerEvents;
  }) {
    this.#setting = options.setting;
    this.#file = options.file;
    this.#logger = options.logger;
    this.#events = options.events;
  }

  start(): void {
    if (this.#file.entries.length > 0) this.#begin();
  }

  /** Sends it a message, where it runs. */
  send(
    make: () => { message: ToAcquirerThread; transfer?: Parameters<Worker['postMessage']>[1] },
  ): void {
    if (this.#running === null) return;
    const { message, transfer } = make();
    this.#running.thread.postMessage(message, transfer);
  }

  /** What to answer to whoever has posted; null: there is no such address. Undefined: nobody could read it. */
  async posted(token: string, posted: PostedToAcquirer): Promise<AcquirerReply | null | undefined> {
    if (!this.#setting.acquirers.some((known) => known.notificationToken === token)) return null;
    const answer = await this.#ask(REPLY_MS, (seq) => ({ type: 'posted', seq, token, posted }));
    return answer?.type === 'replied' ? answer.reply : undefined;
  }

  /** Its metrics; undefined where it does not run, or does not answer in time. */
  async tell(): Promise<Snapshot | undefined> {
    const answer = await this.#ask(TELL_MS, (seq) => ({ type: 'tell', seq }));
    return answer?.type === 'told' ? answer.snapshot : undefined;
  }

  /** Begins no call any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.send(() => ({ message: { type: 'drain' } }));
    await this.#running?.ended;
  }

  #ask(
    withinMs: number,
    make: (seq: number) => ToAcquirerThread,
  ): Promise<FromAcquirerThread | undefined> {
    if (this.#running === null) return Promise.resolve(undefined);
    return new Promise((done) => {
      this.#seq += 1;
      const seq = this.#seq;
      const cancel = systemClock.after(withinMs, () => {
        this.#asked.delete(seq);
        done(undefined);
      });
      this.#asked.set(seq, (answer) => {
        cancel();
        done(answer);
      });
      this.send(() => ({ message: make(seq) }));
    });
  }

  #begin(): void {
    const task: AcquirerTask = { setting: this.#setting, file: this.#file };
    const thread = new Worker(new URL('./acquirer-thread.js', import.meta.url), {
      workerData: task,
    });
    const ended = new Promise<void>((done) => thread.once('exit', () => done()));
    this.#running = { thread, ended };
    thread.on('message', (message: FromAcquirerThread) => {
      if (message.type === 'begun') {
        this.#events.onBegun((answer) => {
          thread.postMessage(answer, answer.type === 'worker' ? [answer.port] : []);
        });
        return;
      }
      this.#asked.get(message.seq)?.(message);
      this.#asked.delete(message.seq);
    });
    let reason = '';
    thread.once('error', (error) => {
      reason = error.message;
    });
    thread.once('exit', (code) => this.#ended(reason || `it ended with ${code}`));
  }

  #ended(reason: string): void {
    this.#running = null;
    if (this.#isStopping) return;
    this.#logger.error({ what: 'acquirers.ended', reason }, 'acquirers.ended');
    this.#events.onEnded();
    systemClock.after(RESTART_MS, () => {
      if (!this.#isStopping && this.#running === null) this.#begin();
    });
  }
}
