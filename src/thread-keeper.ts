// A thread that main keeps: begun, begun anew a moment after it ends, asked for its metrics, and drained at the end.
// What it is for is its program's matter; the words that every such thread knows stand in threads.ts.

import { MessagePort, Worker } from 'node:worker_threads';
import { Questions } from './questions.ts';
import { systemClock } from './system-clock.ts';
import type { Snapshot } from './telemetry/metrics.ts';
import type { ToAnyThread } from './threads.ts';

const TELL_MS = 2_000;

interface Sayable {
  readonly type: string;
}

/** What it says of itself, and what it answers to main; `replied` is to a question of its own kind. */
type Answer<From> = Extract<From, { readonly type: 'told' | 'replied'; readonly seq: number }>;

interface Running {
  readonly thread: Worker;
  readonly ended: Promise<void>;
}

export interface KeptThreadOptions<To, From> {
  /** Its program, built, beside this one. */
  readonly program: string;
  /** What it is begun with, now. */
  readonly task: () => unknown;
  readonly restartMs: number;
  /** It has said something that answers no question; `say` reaches just the life that has said it. */
  readonly hear: (
    message: Exclude<From, Answer<From>>,
    say: (message: To | ToAnyThread) => void,
  ) => void;
  /** It has ended, and nobody has stopped it. */
  readonly ended: (reason: string) => void;
}

export class KeptThread<To extends Sayable, From extends Sayable> {
  readonly #options: KeptThreadOptions<To, From>;
  readonly #questions = new Questions<Answer<From>>();
  #running: Running | null = null;
  #isStopping = false;

  constructor(options: KeptThreadOptions<To, From>) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Begins it, unless it runs or has been stopped. */
  start(): void {
    if (this.#running === null && !this.#isStopping) this.#begin();
  }

  /** Says something to it, where it runs; what, is made only then. */
  send(make: () => To | ToAnyThread): void {
    if (this.#running !== null) say(this.#running.thread, make());
  }

  /** Undefined where it does not run, or has not answered in time. */
  ask(
    withinMs: number,
    make: (seq: number) => To | ToAnyThread,
  ): Promise<Answer<From> | undefined> {
    if (this.#running === null) return Promise.resolve(undefined);
    return this.#questions.askWithin(withinMs, (seq) => this.send(() => make(seq)));
  }

  /** Its metrics; undefined where it does not run, or does not answer in time. */
  async tell(): Promise<Snapshot | undefined> {
    const answer = await this.ask(TELL_MS, (seq) => ({ type: 'tell', seq }));
    return answer !== undefined && 'snapshot' in answer ? (answer.snapshot as Snapshot) : undefined;
  }

  /** Has it end in its own way, and waits for that. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.send(() => ({ type: 'drain' }));
    await this.#running?.ended;
  }

  #begin(): void {
    const { program, task, hear } = this.#options;
    const thread = new Worker(new URL(program, import.meta.url), { workerData: task() });
    const ended = new Promise<void>((done) => thread.once('exit', () => done()));
    this.#running = { thread, ended };
    thread.on('message', (message: From) => {
      if (isAnswer(message)) this.#questions.hear(message.seq, message);
      else hear(message as Exclude<From, Answer<From>>, (word) => say(thread, word));
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
    this.#options.ended(reason);
    systemClock.after(this.#options.restartMs, () => this.start());
  }
}

function isAnswer<From extends Sayable>(message: From): message is From & Answer<From> {
  return message.type === 'told' || message.type === 'replied';
}

/** A port that is told of goes along. */
function say(thread: Worker, message: object): void {
  const isPort = 'port' in message && message.port instanceof MessagePort;
  thread.postMessage(message, isPort ? [message.port as MessagePort] : []);
}
