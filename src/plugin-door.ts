// How a thread that serves asks drivers that run elsewhere: through main, which has them.

import type { Asked } from './drivers/host/hosted-thread.ts';
import type { DriverCall } from './plugins.ts';

/** The question of a thread, and main's answer to it. */
export type AskDriver = { readonly type: 'askDriver'; readonly seq: number } & DriverCall;
export interface DriverAsked {
  readonly type: 'driverAsked';
  readonly seq: number;
  readonly asked: Asked;
}

export class PluginDoor {
  readonly #say: (message: AskDriver) => void;
  readonly #waiting = new Map<number, (asked: Asked) => void>();
  #seq = 0;

  constructor(say: (message: AskDriver) => void) {
    this.#say = say;
  }

  /** Never rejects; main sees to its time. */
  ask(call: DriverCall): Promise<Asked> {
    this.#seq += 1;
    const seq = this.#seq;
    return new Promise((answered) => {
      this.#waiting.set(seq, answered);
      this.#say({ type: 'askDriver', seq, ...call });
    });
  }

  hear({ seq, asked }: DriverAsked): void {
    this.#waiting.get(seq)?.(asked);
    this.#waiting.delete(seq);
  }
}
