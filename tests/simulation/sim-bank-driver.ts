// The driver of the simulated bank, as one of somebody's would be: it looks before it does again (D2 in bill-driver.ts), by
// the same judgements as the drivers that come with the switch. Calls and answers get lost on the way.

import type { Minor } from '../../src/domain/money.ts';
import { MINUTE_MS, millis } from '../../src/domain/time.ts';
import { cancelAfter, refundAfter } from '../../src/drivers/contract/asking-first.ts';
import {
  type Attempt,
  type BillDriver,
  type Capabilities,
  done,
  type NotificationReading,
  notDone,
  type Outcome,
  type PostedNotification,
  type Refund,
  type Registration,
  type Sighting,
  type Tender,
  unknown,
  unsent,
} from '../../src/drivers/contract/bill-driver.ts';
import {
  afterEarlier,
  ON_ITS_WAY_MS,
  sendByOf,
  type Timing,
} from '../../src/drivers/contract/verdicts.ts';
import type { Dice } from './dice.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';
import { type BankOrder, payloadOf, type SimBank } from './sim-bank.ts';

/** What drivers wait for by default. */
const SETTLE_MS = MINUTE_MS;
const TIMEOUT_MS = 1_000;
const LATEST_MS = 3_000;

export interface SimBankDriverOptions {
  readonly bank: SimBank;
  readonly life: Life;
  readonly dice: Dice;
  readonly random: Random;
}

export class SimBankDriver implements BillDriver {
  readonly capabilities: Capabilities;
  readonly #bank: SimBank;
  readonly #life: Life;
  readonly #dice: Dice;
  readonly #random: Random;

  constructor({ bank, life, dice, random }: SimBankDriverOptions) {
    this.#bank = bank;
    this.#life = life;
    this.#dice = dice;
    this.#random = random;
    const { closesByItself, partialRefund } = bank.ways;
    this.capabilities = {
      hold: false,
      partialRefund,
      closesByItself,
      notifications: 'unsigned',
      currencies: ['EUR'],
      amountMin: 1 as Minor,
      amountMax: 1_000 as Minor,
      lifetimeMinMs: 1,
      lifetimeMaxMs: 24 * 60 * MINUTE_MS,
    };
  }

  async register(tender: Tender, attempt: Attempt): Promise<Outcome<Registration>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const { lastSentAt } = attempt;
    if (lastSentAt !== null) {
      this.#dice.note('bank asked first');
      const found = await this.#call(() => this.#bank.find(tender.id) ?? null);
      if (found.outcome !== 'done') return afterEarlier(found, attempt);
      if (found.value !== null) return done(registrationOf(tender, found.value));
      const early = lastSentAt + SETTLE_MS - this.#life.wall();
      if (early > 0) return unsent('early', 'an earlier call may still arrive', early);
    }
    if (this.#dice.strikes('bank.refused')) return notDone('unfit', 'not this one', 'never');
    const made = await this.#call(() => this.#bank.register(tender), sendBy);
    return made.outcome === 'done' ? done(registrationOf(tender, made.value)) : made;
  }

  look({ ref }: Registration): Promise<Outcome<Sighting>> {
    return this.#call(() => this.#bank.sighting(ref));
  }

  async cancel(registration: Registration, attempt: Attempt): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const seen = await this.look(registration);
    return await cancelAfter(seen, { attempt, timing: this.#timing() }, async () => {
      const sent = await this.#call(() => this.#bank.cancel(registration.ref), sendBy);
      if (sent.outcome !== 'done') return sent;
      const { status } = sent.value;
      if (status === 'paying') return unknown('a payer has begun', ON_ITS_WAY_MS);
      return status === 'paid' ? notDone('paid', 'it is paid', 'never') : sent;
    });
  }

  async refund(
    registration: Registration,
    refund: Refund,
    attempt: Attempt,
  ): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const { id, amount } = refund;
    // A careless driver, or one that is being made anew: it has not looked, and says that nothing was done.
    if (this.#dice.strikes('bank.shut')) {
      const code = this.#random.pick(['busy', 'unreachable', 'unauthorised'] as const);
      return notDone(code, 'not let in', { afterMs: this.#random.between(500, 3_000) });
    }
    if (attempt.lastSentAt !== null) this.#dice.note('bank asked first');
    const seen = await this.look(registration);
    return await refundAfter(seen, { refund, attempt, timing: this.#timing() }, async () => {
      if (this.#dice.strikes('bank.refundRefused')) {
        const again = this.#random.pick(['never', 'never', { afterMs: 2_000 }] as const);
        return notDone('refused', 'not now', again);
      }
      const sent = await this.#call(() => this.#bank.refund(registration.ref, id, amount), sendBy);
      if (sent.outcome !== 'done') return sent;
      // Somebody there was faster.
      if (sent.value === null) return notDone('moved', 'it is not so any more', { afterMs: 0 });
      return sent.value.isReturning ? unknown('it is on its way', ON_ITS_WAY_MS) : done(sent.value);
    });
  }

  readNotification({ body }: PostedNotification): Promise<NotificationReading> {
    const reply = { status: 200, headers: {}, body: '' };
    return Promise.resolve({ about: { id: body, ref: '' }, reply });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #timing(): Timing {
    return { now: millis(this.#life.wall()), settleMs: SETTLE_MS };
  }

  /** A call on its way to the bank and back. */
  #call<Answer>(make: () => Answer, sendBy = Number.POSITIVE_INFINITY): Promise<Outcome<Answer>> {
    const life = this.#life;
    if (life.wall() > sendBy) return Promise.resolve(unknown('it is too late to be sent', 0));
    const lost = (): Promise<Outcome<Answer>> =>
      life.call(0, TIMEOUT_MS, () => unknown('no answer', 0));
    const dice = this.#dice;
    if (dice.strikes('bank.busy')) {
      const afterMs = this.#random.between(500, 3_000);
      return life.call(this.#hop(), this.#hop(), () => notDone('busy', 'later', { afterMs }));
    }
    if (dice.strikes('bank.lost')) return lost();
    if (dice.strikes('bank.answerLost')) {
      life.agenda.after(this.#hop(), make);
      return lost();
    }
    if (dice.strikes('bank.late')) {
      life.agenda.after(this.#random.between(TIMEOUT_MS, LATEST_MS), make);
      return lost();
    }
    const slow = dice.strikes('bank.slow') ? this.#random.between(50, TIMEOUT_MS - 100) : 0;
    return life.call(this.#hop() + slow, this.#hop(), () => done(make()));
  }

  #hop(): number {
    return this.#random.delay(5, 50);
  }
}

function registrationOf({ id, amount, currency }: Tender, { ref }: BankOrder): Registration {
  return { id, amount, currency, ref, payload: payloadOf(ref), notes: {} };
}
