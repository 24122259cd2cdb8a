// Brings a bank's notifications to the merchant: posts one, tries again by the bank's schedule until it is taken, and
// misbehaves on request: sends each several times, or keeps them back and lets them go in another order.

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SimulatorClock } from './clock.ts';
import type { SeededRandom } from './random.ts';

export interface Parcel {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface CourierOptions {
  readonly clock: SimulatorClock;
  readonly random: SeededRandom;
  readonly timeoutMs: number;
  /** How long after the first attempt each later one comes; empty: one attempt. */
  readonly retryAtMs: readonly number[];
  /** Whether this answer takes the parcel. */
  readonly isTaken: (status: number, body: string) => boolean;
}

export interface CourierFigures {
  readonly sent: number;
  readonly taken: number;
  readonly waiting: number;
  readonly givenUp: number;
}

interface Delivery {
  readonly parcel: Parcel;
  readonly firstAt: number;
  attempts: number;
}

export class Courier {
  readonly #options: CourierOptions;
  readonly #cancels = new Set<() => void>();
  readonly #underway = new Set<Promise<void>>();
  readonly #undelivered = new Set<Delivery>();
  #held: Parcel[] | undefined;
  #copies = 1;
  #sent = 0;
  #taken = 0;
  #givenUp = 0;
  #isClosed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** How often each is sent, as if the bank had not seen that it was taken. */
  set copies(copies: number) {
    this.#copies = copies;
  }

  get figures(): CourierFigures {
    return {
      sent: this.#sent,
      taken: this.#taken,
      waiting: this.#undelivered.size + (this.#held?.length ?? 0),
      givenUp: this.#givenUp,
    };
  }

  send(parcel: Parcel): void {
    if (this.#held !== undefined) {
      this.#held.push(parcel);
      return;
    }
    for (let copy = 0; copy < this.#copies; copy++) this.#begin(parcel);
  }

  /** From now on keeps all back. */
  hold(): void {
    this.#held ??= [];
  }

  /** Lets go what was kept back, in another order. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const parcel of this.#options.random.shuffled(held)) this.send(parcel);
  }

  /** Tries again at once what was not taken; how many that are. */
  resend(): number {
    const deliveries = [...this.#undelivered];
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    for (const delivery of deliveries) this.#try(delivery);
    return deliveries.length;
  }

  /** Resolves once nothing is on its way; what waits for its next attempt goes on waiting. */
  async settled(): Promise<void> {
    while (this.#underway.size > 0) await Promise.all(this.#underway);
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #begin(parcel: Parcel): void {
    const delivery = { parcel, firstAt: this.#options.clock.wall(), attempts: 0 };
    this.#undelivered.add(delivery);
    this.#try(delivery);
  }

  #try(delivery: Delivery): void {
    if (this.#isClosed) return;
    delivery.attempts += 1;
    this.#sent += 1;
    const attempt = this.#attempt(delivery).finally(() => this.#underway.delete(attempt));
    this.#underway.add(attempt);
  }

  async #attempt(delivery: Delivery): Promise<void> {
    const isTaken = await post(delivery.parcel, this.#options);
    if (isTaken) {
      this.#taken += 1;
      this.#undelivered.delete(delivery);
      return;
    }
    const { clock, retryAtMs } = this.#options;
    const next = retryAtMs[delivery.attempts - 1];
    if (next === undefined) {
      this.#givenUp += 1;
      this.#undelivered.delete(delivery);
      return;
    }
    if (this.#isClosed) return;
    const cancel = clock.after(Math.max(0, delivery.firstAt + next - clock.wall()), () => {
      this.#cancels.delete(cancel);
      this.#try(delivery);
    });
    this.#cancels.add(cancel);
  }
}

/** Whether it was taken; no failure is more than a no. */
function post(parcel: Parcel, options: CourierOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const open = parcel.url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = open(
      parcel.url,
      {
        method: 'POST',
        headers: { ...parcel.headers, 'content-length': Buffer.byteLength(parcel.body) },
        agent: false,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => done(options.isTaken(response.statusCode ?? 0, body)));
        response.on('error', () => done(false));
      },
    );
    const cancel = options.clock.after(options.timeoutMs, () => request.destroy());
    const done = (isTaken: boolean) => {
      cancel();
      resolve(isTaken);
    };
    request.on('error', () => done(false));
    request.on('close', () => done(false));
    request.end(parcel.body);
  });
}
