// How a thread that serves asks drivers that run elsewhere: through main, which has them.

import type { Asked } from './drivers/host/hosted-process.ts';
import type { DriverCall } from './loaded-drivers.ts';
import { Questions } from './questions.ts';

/** The question of a thread, and main's answer to it. */
export type AskDriver = { readonly type: 'askDriver'; readonly seq: number } & DriverCall;
export interface DriverAsked {
  readonly type: 'driverAsked';
  readonly seq: number;
  readonly asked: Asked;
}

export class DriverDoor {
  readonly #say: (message: AskDriver) => void;
  readonly #questions = new Questions<Asked>();

  constructor(say: (message: AskDriver) => void) {
    this.#say = say;
  }

  /** Never rejects; main sees to its time. */
  ask(call: DriverCall): Promise<Asked> {
    return this.#questions.ask((seq) => this.#say({ type: 'askDriver', seq, ...call }));
  }

  hear({ seq, asked }: DriverAsked): void {
    this.#questions.hear(seq, asked);
  }
}
