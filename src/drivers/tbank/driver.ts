// T-Bank's internet acquiring, version 2: payments by SBP.
//
//   register   Init, then GetQr; asked again, CheckOrder finds the payment by our number
//   look       GetState
//   cancel     GetState, then Cancel; on what has just been paid the bank makes a whole refund of it
//   refund     GetState, then Cancel with the amount. The bank knows no id of ours for it: `judgeRefund` compares sums
//
// The bank signs no time and honours no id of a refund, so each call rests on what the bank says just before it.

import { Value } from '@sinclair/typebox/value';
import { minor, subtract } from '../../domain/money.ts';
import { millis } from '../../domain/time.ts';
import { cancelAfter, refundAfter } from '../contract/asking-first.ts';
import {
  type Attempt,
  type BillDriver,
  type BillDriverModule,
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
} from '../contract/bill-driver.ts';
import { CONTRACT_VERSION, type Surroundings } from '../contract/driver-module.ts';
import { afterEarlier, ON_ITS_WAY_MS, sendByOf } from '../contract/verdicts.ts';
import { sightingOf } from './answers.ts';
import { TbankCalls } from './calls.ts';
import { capabilitiesOf } from './capabilities.ts';
import { readTbankNotification } from './notification.ts';
import { type TbankDriverSettings, tbankSettings } from './settings.ts';

export const driver: BillDriverModule = {
  contract: CONTRACT_VERSION,
  kind: 'bill',
  name: 'tbank',
  settings: tbankSettings,
  make: (settings, surroundings) =>
    new TbankDriver(Value.Decode(tbankSettings, settings), surroundings),
};

const UNREADABLE_MS = 60_000;

class TbankDriver implements BillDriver {
  readonly capabilities;
  readonly #settings: TbankDriverSettings;
  readonly #surroundings: Surroundings;
  readonly #calls: TbankCalls;

  constructor(settings: TbankDriverSettings, surroundings: Surroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#calls = new TbankCalls(settings, surroundings.clock);
    this.capabilities = capabilitiesOf(settings);
  }

  async register(tender: Tender, attempt: Attempt): Promise<Outcome<Registration>> {
    if (attempt.lastSentAt !== null) {
      const found = await this.#find(tender);
      if (found.outcome !== 'done') return afterEarlier(found, attempt);
      if (found.value !== undefined) return this.#withCode(tender, found.value);
    }
    const made = await this.#calls.init(tender);
    if (made.outcome === 'done') return this.#withCode(tender, made.value);
    // The number is taken: an earlier call of ours has arrived.
    if (made.outcome === 'notDone' && made.code === 'moved') {
      const found = await this.#find(tender);
      if (found.outcome !== 'done') return found;
      if (found.value !== undefined) return this.#withCode(tender, found.value);
    }
    return made;
  }

  async look(registration: Registration): Promise<Outcome<Sighting>> {
    const state = await this.#calls.getState(registration.ref);
    if (state.outcome !== 'done') return state;
    const sighting = sightingOf(state.value, registration, this.#settings);
    const detail = `the bank says ${state.value.Status} of ${state.value.Amount}`;
    return sighting === undefined ? unknown(detail, UNREADABLE_MS) : done(sighting);
  }

  async cancel(registration: Registration, attempt: Attempt): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const seen = await this.look(registration);
    return cancelAfter(seen, { attempt, timing: this.#timing() }, () =>
      this.#sendCancel(registration, sendBy),
    );
  }

  async refund(
    registration: Registration,
    refund: Refund,
    attempt: Attempt,
  ): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const seen = await this.look(registration);
    return refundAfter(seen, { refund, attempt, timing: this.#timing() }, (before) =>
      this.#sendRefund(registration, refund, { before, sendBy }),
    );
  }

  async readNotification(posted: PostedNotification): Promise<NotificationReading> {
    return readTbankNotification(posted, this.#settings);
  }

  async close(): Promise<void> {
    this.#calls.close();
  }

  /** Cancel's answer says what it ended; on what was paid meanwhile, what it gave back. */
  async #sendCancel(registration: Registration, sendBy: number): Promise<Outcome<Sighting>> {
    const sent = await this.#calls.cancel(registration.ref, undefined, sendBy);
    if (sent.outcome !== 'done') return sent;
    const { Status, NewAmount } = sent.value;
    const sighting = sightingOf({ Status, Amount: NewAmount }, registration, {
      amountInState: 'current',
    });
    if (sighting === undefined || sighting.isReturning) {
      return unknown(`Cancel has answered ${Status}`, ON_ITS_WAY_MS);
    }
    return done(sighting);
  }

  async #sendRefund(
    registration: Registration,
    refund: Refund,
    { before, sendBy }: { readonly before: Sighting; readonly sendBy: number },
  ): Promise<Outcome<Sighting>> {
    const sent = await this.#calls.cancel(registration.ref, refund.amount, sendBy);
    if (sent.outcome !== 'done') return sent;
    const { Status, OriginalAmount, NewAmount } = sent.value;
    const isGiven = ['PARTIAL_REFUNDED', 'REFUNDED'].includes(Status);
    // What is asynchronous, or not what was asked for, is looked at again.
    if (!isGiven || OriginalAmount - NewAmount !== refund.amount) {
      return unknown(`Cancel has answered ${Status}`, ON_ITS_WAY_MS);
    }
    return done({ ...before, returned: subtract(registration.amount, minor(NewAmount)) });
  }

  /** The payment of our number that can still be paid, or was; the last one, where the bank lets a number repeat. */
  async #find(tender: Tender): Promise<Outcome<string | undefined>> {
    const found = await this.#calls.checkOrder(tender.id);
    if (found.outcome === 'notDone' && found.code === 'unregistered') return done(undefined);
    if (found.outcome !== 'done') return found;
    return done(found.value.at(-1)?.PaymentId);
  }

  async #withCode(tender: Tender, ref: string): Promise<Outcome<Registration>> {
    const code = await this.#calls.getQr(ref);
    if (code.outcome === 'notDone') {
      if (code.code === 'closed') return notDone('closed', code.detail, 'anew');
      // The payment is there, though its code is not: the next attempt finds it.
      return code.again === 'never'
        ? code
        : unknown(code.detail, code.again === 'anew' ? 0 : code.again.afterMs);
    }
    if (code.outcome !== 'done') return code;
    const { id, amount, currency } = tender;
    return done({ id, amount, currency, ref, payload: code.value, notes: {} });
  }

  #timing() {
    return { now: millis(this.#surroundings.clock.wall()), settleMs: this.#settings.settleMs };
  }
}
