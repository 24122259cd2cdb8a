// What the caps of a stay still leave: each cap a window at a time, refilled when its next window begins.

import { AMOUNT_MAX, type Minor, subtract } from '../money.ts';
import { MINUTE_MS, type Millis, millis } from '../time.ts';
import { nextDayAt } from './schedule.ts';
import type { Cap } from './tariff.ts';
import type { Zone } from './zone.ts';

/** What no stay exceeds, since no bill may. */
const STAY_CAP: Cap = { max: AMOUNT_MAX, per: 'stay' };

/** A cap with what it leaves in the window at hand. */
export interface Meter {
  readonly cap: Cap;
  readonly room: Minor;
}

interface OpenMeter extends Meter {
  room: Minor;
  until: number;
}

export class Allowance {
  readonly #from: Millis;
  readonly #zone: Zone;
  readonly #meters: readonly OpenMeter[];

  constructor(caps: readonly Cap[], from: Millis, zone: Zone) {
    this.#from = from;
    this.#zone = zone;
    this.#meters = [STAY_CAP, ...caps].map((cap) => ({ cap, room: cap.max, until: from }));
  }

  /** Opens the windows that an instant lies in, and returns when the first of them ends. Time only goes on. */
  turnTo(at: number): number {
    let end = Number.POSITIVE_INFINITY;
    for (const meter of this.#meters) {
      if (meter.until <= at) {
        meter.until = this.#windowEnd(meter.cap, at);
        meter.room = meter.cap.max;
      }
      end = Math.min(end, meter.until);
    }
    return end;
  }

  /** The cap that leaves least. */
  tightest(): Meter {
    return this.#meters.reduce((least, meter) => (meter.room < least.room ? meter : least));
  }

  spend(amount: Minor): void {
    for (const meter of this.#meters) meter.room = subtract(meter.room, amount);
  }

  /** The stay will never cost more. */
  isSpent(): boolean {
    return this.#meters.some(({ cap, room }) => cap.per === 'stay' && room === 0);
  }

  #windowEnd({ per }: Cap, at: number): number {
    switch (per) {
      case 'stay':
        return Number.POSITIVE_INFINITY;
      case 'day':
        return nextDayAt(this.#zone, millis(at));
      default: {
        const lengthMs = per.minutes * MINUTE_MS;
        return this.#from + (Math.floor((at - this.#from) / lengthMs) + 1) * lengthMs;
      }
    }
  }
}
