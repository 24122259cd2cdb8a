// Sber's "Плати QR", QR.API version 3: its own codes, and those of SBP.
//
//   register   creation; asked again, status finds the order by our number. It does not tell the text of the code: that of
//              Sber's own follows from the order's id, an SBP one is lost with its answer, so that order is revoked, and
//              another made under another number
//   look       status, whose operations tell the money; the state does not
//   cancel     status, then revocation. The bank ends nothing by itself: the switch does, when the time has come
//   refund     status, then cancel with the payment's own operation

import { Value } from '@sinclair/typebox/value';
import { AMOUNT_MAX, add, minor } from '../../domain/money.ts';
import { DAY_MS, MINUTE_MS, millis } from '../../domain/time.ts';
import { cancelAfter, refundAfter, unseen } from '../contract/asking-first.ts';
import {
  type Attempt,
  type BillDriver,
  type BillDriverModule,
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
} from '../contract/bill-driver.ts';
import { CONTRACT_VERSION, type Surroundings } from '../contract/driver-module.ts';
import { afterEarlier, ON_ITS_WAY_MS, sendByOf } from '../contract/verdicts.ts';
import { paymentIn, type SberStatus, sightingOf } from './answers.ts';
import { type Outlet, SberCalls } from './calls.ts';
import { readSberNotification } from './notification.ts';
import { type SberDriverSettings, sberSettings } from './settings.ts';

export const driver: BillDriverModule = {
  contract: CONTRACT_VERSION,
  kind: 'bill',
  name: 'sber',
  settings: sberSettings,
  make: (settings, surroundings) =>
    new SberDriver(Value.Decode(sberSettings, settings), surroundings),
};

const UNREADABLE_MS = 60_000;
const OWN_CODE = 'https://sberbank.ru/qr/?dynamicQr=';

/** What was seen before it is sent, and until when it may be. */
interface Sending {
  readonly before: Sighting;
  readonly sendBy: number;
}

class SberDriver implements BillDriver {
  readonly capabilities: Capabilities;
  readonly #settings: SberDriverSettings;
  readonly #surroundings: Surroundings;
  readonly #calls: SberCalls;

  constructor(settings: SberDriverSettings, surroundings: Surroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#calls = new SberCalls(settings, surroundings.clock);
    this.capabilities = {
      hold: false,
      partialRefund: true,
      closesByItself: false,
      notifications: settings.isNotified ? 'unsigned' : 'none',
      currencies: ['RUB'],
      amountMin: minor(1),
      amountMax: AMOUNT_MAX,
      lifetimeMinMs: MINUTE_MS,
      lifetimeMaxMs: 30 * DAY_MS,
    };
  }

  async register(tender: Tender, { lastSentAt }: Attempt): Promise<Outcome<Registration>> {
    if (lastSentAt !== null) {
      const found = await this.#adopt(tender);
      if (found !== undefined) return found;
    }
    const made = await this.#calls.create(tender);
    if (made.outcome === 'done') {
      return done(this.#registrationOf(tender, made.value.order_id, made.value.order_form_url));
    }
    // "Refused" is also what it says of a number that it has.
    if (made.outcome === 'notDone' && made.code === 'refused') {
      const found = (await this.#adopt(tender)) ?? made;
      // It has been sent this time.
      return found.outcome === 'unknown' ? unknown(found.detail, found.afterMs) : found;
    }
    return made;
  }

  async look(registration: Registration): Promise<Outcome<Sighting>> {
    const status = await this.#status(registration);
    return status.outcome === 'done' ? seenIn(status.value) : status;
  }

  async cancel(registration: Registration, attempt: Attempt): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const seen = await this.look(registration);
    return cancelAfter(seen, { attempt, timing: this.#timing() }, (before) =>
      this.#revoke(registration, { before, sendBy }),
    );
  }

  async refund(
    registration: Registration,
    refund: Refund,
    attempt: Attempt,
  ): Promise<Outcome<Sighting>> {
    const sendBy = sendByOf(attempt, this.#timing());
    const status = await this.#status(registration);
    if (status.outcome !== 'done') return unseen(status, attempt);
    const intent = { refund, attempt, timing: this.#timing() };
    return refundAfter(seenIn(status.value), intent, (before) =>
      this.#giveBack(registration, refund, status.value, { before, sendBy }),
    );
  }

  async readNotification(posted: PostedNotification): Promise<NotificationReading> {
    return readSberNotification(posted, this.#settings);
  }

  async close(): Promise<void> {
    this.#calls.close();
  }

  /** What the bank has of our number; undefined: nothing, so that it may be made. */
  async #adopt(tender: Tender): Promise<Outcome<Registration> | undefined> {
    const found = await this.#calls.status(tender.id, undefined, this.#settings);
    if (found.outcome === 'notDone' && found.code === 'unregistered') return undefined;
    if (found.outcome !== 'done') return afterEarlier(found, { lastSentAt: millis(0) });
    const { order_id, order_state } = found.value;
    if (order_state !== 'CREATED') return notDone('closed', `it is ${order_state}`, 'anew');
    if (this.#settings.code === 'own') {
      return done(this.#registrationOf(tender, order_id, OWN_CODE + order_id));
    }
    // It is left as it is. Nobody has its code, or else somebody has taken over, made it and shown its code meanwhile.
    return notDone('moved', 'its code was lost with the answer', 'anew');
  }

  async #revoke(
    registration: Registration,
    { before, sendBy }: Sending,
  ): Promise<Outcome<Sighting>> {
    const revoked = await this.#calls.revoke(registration.ref, sendBy);
    if (revoked.outcome !== 'done') return revoked;
    const { order_state } = revoked.value;
    if (order_state === 'REVOKED') return done({ ...before, status: 'cancelled' });
    return unknown(`revocation has answered ${order_state}`, ON_ITS_WAY_MS);
  }

  async #giveBack(
    registration: Registration,
    { amount }: Refund,
    status: SberStatus,
    { before, sendBy }: Sending,
  ): Promise<Outcome<Sighting>> {
    const payment = paymentIn(status);
    if (payment === undefined) return notDone('notPaid', 'no payment is listed', 'never');
    // After a reversal, which only somebody at the bank can have made, nothing can be given back.
    if (status.order_state === 'REVERSED') return notDone('refused', 'it was reversed', 'never');
    const outlet = this.#outletOf(registration);
    const given = await this.#calls.giveBack(registration.ref, payment, { amount, sendBy, outlet });
    if (given.outcome !== 'done') return given;
    const { order_status, operation_sum } = given.value;
    if (order_status !== 'REFUNDED' || operation_sum !== amount) {
      return unknown(`cancel has answered ${order_status} of ${operation_sum}`, ON_ITS_WAY_MS);
    }
    return done({ ...before, returned: add(before.returned, amount) });
  }

  #status(registration: Registration): Promise<Outcome<SberStatus>> {
    return this.#calls.status(registration.id, registration.ref, this.#outletOf(registration));
  }

  /** The outlet that it was made for: the settings may name another by now. */
  #registrationOf({ id, amount, currency }: Tender, ref: string, payload: string): Registration {
    const { idQr, tid } = this.#settings;
    return { id, amount, currency, ref, payload, notes: { idQr, tid } };
  }

  /** A registration of old names none. */
  #outletOf({ notes }: Registration): Outlet {
    const { idQr = this.#settings.idQr, tid = this.#settings.tid } = notes;
    return { idQr, tid };
  }

  #timing() {
    return { now: millis(this.#surroundings.clock.wall()), settleMs: this.#settings.settleMs };
  }
}

function seenIn(status: SberStatus): Outcome<Sighting> {
  const sighting = sightingOf(status);
  return sighting === undefined
    ? unknown(`the bank says ${status.order_state}`, UNREADABLE_MS)
    : done(sighting);
}
