// Tries other people's driver in a process of its own, so that one that never gives back its processor, or ends the process,
// fails the check in which it does, and nothing else.

import type { ChildProcess } from 'node:child_process';
import { forkHeld } from '../../drivers/host/held-process.ts';
import { named } from '../../drivers/kit/calls.ts';
import type { Checked } from '../../drivers/kit/run-checks.ts';
import { CommandFailure } from '../io.ts';
import type { FromKit } from './kit-messages.ts';

export interface Apart {
  /** The process's program, built: `kit-process.js`. */
  readonly program: URL;
  readonly report: (checked: Checked) => void;
  /** How long a driver may keep its processor. */
  readonly spinMs?: number;
}

const START_MS = 30_000;
/** Far more than any call has to reckon. */
const SPIN_MS = 10_000;

/** Resolves when all is tried that can be. Rejects with CommandFailure where nothing is. */
export function triedApart(name: string, apart: Apart): Promise<void> {
  return new Promise((tried, refused) => {
    new Attempt(name, apart, (why) => {
      if (why === undefined) tried();
      else refused(new CommandFailure(why));
    });
  });
}

class Attempt {
  readonly #name: string;
  readonly #apart: Apart;
  readonly #child: ChildProcess;
  /** Told once: why nothing was tried, or undefined. */
  readonly #over: (why?: string) => void;
  #check: string | undefined;
  #underWay: readonly string[] = [];
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, apart: Apart, over: (why?: string) => void) {
    this.#name = name;
    this.#apart = apart;
    this.#over = over;
    this.#child = forkHeld(apart.program, [name], { execArgv: [] });
    this.#child.on('message', (message: FromKit) => this.#hear(message));
    this.#child.on('error', (error) => this.#end(String(error)));
    this.#child.on('exit', (code, signal) => {
      this.#fall(`has ended the process (${code ?? signal})`);
    });
    this.#await(START_MS);
  }

  #hear(message: FromKit): void {
    this.#await(this.#apart.spinMs ?? SPIN_MS);
    // The driver's code can say anything here.
    switch (message?.type) {
      case 'begins':
        this.#check = message.check;
        this.#underWay = [];
        break;
      case 'called':
        this.#underWay = message.underWay;
        break;
      case 'checked':
        this.#apart.report(message.checked);
        break;
      case 'untried':
        this.#end(message.why);
        break;
      case 'ended':
        this.#end();
        break;
    }
  }

  #await(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#fall(`has not given back the processor in ${ms / 1_000} s`);
    }, ms);
  }

  /** What it did, of which it cannot tell itself. */
  #fall(what: string): void {
    if (this.#isOver) return;
    if (this.#check === undefined) {
      this.#end(`${this.#name} cannot be loaded: it ${what}`);
      return;
    }
    const flaw = `${named(this.#underWay)} ${what}; the checks after this one were not made`;
    this.#apart.report({ name: this.#check, flaw });
    this.#end();
  }

  #end(why?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#child.kill('SIGKILL');
    this.#over(why);
  }
}
