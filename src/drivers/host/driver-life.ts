// One process of a driver, from its beginning to its end. It has nothing of ours but what is said to it, and can be ended
// whatever it does.

import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../../switch/ports.ts';
import { forkHeld } from './held-process.ts';
import { CLOSE, type DriverTask, type FromProcess, type PING, type ToProcess } from './messages.ts';

export interface LifeOptions {
  /** The process's program, built: `driver-process.js`. */
  readonly program: URL;
  readonly task: DriverTask;
  readonly clock: Pick<Clock, 'after'>;
  /** Of its heap. */
  readonly memoryMb: number;
  readonly hear: (message: Exclude<FromProcess, { readonly type: 'fell' }>) => void;
  /** Told once, of the last of it, and why. */
  readonly ended: (why: string) => void;
}

/** What Node.js takes itself, and buffers, which are no part of the heap. */
const BESIDE_HEAP_MB = 256;
const MEASURE_MS = 1_000;
const CLOSE_MS = 2_000;
const LAST_WORDS_MS = 500;
/** Of our environment, what a program needs to run as we do, and none of our settings. */
const PASSED = /^(PATH|TZ|LANG|LC_.*|NODE_.*)$/;

export class DriverLife {
  readonly #options: LifeOptions;
  readonly #child: ChildProcess;
  readonly #over: Promise<void>;
  #why: string | undefined;
  #stopMeasuring: () => void = () => {};
  #ended: (why: string) => void;

  constructor(options: LifeOptions) {
    this.#options = options;
    const { program, task, clock, memoryMb, hear, ended } = options;
    // Once, of the ways in which it can come.
    this.#ended = (why) => {
      this.#ended = () => undefined;
      ended(why);
    };
    this.#child = forkHeld(program, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${memoryMb}`],
      env: environment(),
    });
    this.#child.on('message', (message: FromProcess) => {
      // Its code can say anything here.
      if (typeof message !== 'object' || message === null) return;
      if (message.type === 'fell') this.#why ??= message.why;
      else hear(message);
    });
    this.#over = new Promise((over) => {
      const end = (why: string): void => {
        this.#stopMeasuring();
        if (this.#child.connected) this.#child.disconnect();
        this.#ended(this.#why ?? why);
        over();
      };
      this.#child.on('error', (error) => {
        // One that was never begun has no other end.
        if (this.#child.pid === undefined) end(String(error));
      });
      this.#child.once('exit', (code, signal) => {
        const why = this.#endOf(code, signal);
        // What it said last may come after that; and never ends, where a process of its own has our line too.
        const cancel = clock.after(LAST_WORDS_MS, () => end(why));
        this.#child.once('close', () => {
          cancel();
          end(why);
        });
      });
    });
    this.say(task);
    this.#measureLater();
  }

  say(message: DriverTask | ToProcess | typeof PING | typeof CLOSE): void {
    // One that has ended hears nothing; that is told elsewhere.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Ends it at once, whatever it does. */
  kill(why: string): void {
    this.#why ??= why;
    this.#child.kill('SIGKILL');
  }

  /** Lets it end what it holds, for a while. Resolves when it has ended. */
  async close(): Promise<void> {
    this.say(CLOSE);
    const cancel = this.#options.clock.after(CLOSE_MS, () => this.kill('it did not close'));
    await this.#over;
    cancel();
  }

  #endOf(code: number | null, signal: NodeJS.Signals | null): string {
    if (signal === 'SIGABRT') {
      return `it was aborted, as is who needs more heap than ${this.#options.memoryMb} MB`;
    }
    return signal === null ? `it ended itself, with ${code}` : `it was ended by ${signal}`;
  }

  #measureLater(): void {
    this.#stopMeasuring = this.#options.clock.after(MEASURE_MS, () => void this.#measure());
  }

  /** Buffers are bounded by nobody else. */
  async #measure(): Promise<void> {
    const most = this.#options.memoryMb + BESIDE_HEAP_MB;
    const usedMb = await residentMb(this.#child.pid);
    if (usedMb === undefined) return;
    if (usedMb > most) this.kill(`it used ${usedMb} MB of memory, and may have ${most}`);
    else this.#measureLater();
  }
}

/** Undefined where the system does not say. */
async function residentMb(pid: number | undefined): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Math.round(Number(kilobytes) / 1_024);
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED.test(name)));
}
