import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { versions } from '../../../tests/support/tariffs.ts';
import type { BillFact, BillRejection } from '../../domain/bill/vocabulary.ts';
import { AMOUNT_MAX } from '../../domain/money.ts';
import { NEVER, TIME_MAX } from '../../domain/time.ts';
import type { EntryContent, Transition } from '../../switch/records.ts';
import { makeEntryCodec } from './entry-codec.ts';

// Brands are of no concern here: these are the plain values below them.
const record = <T>(shape: { [Key in keyof T]: Arbitrary<T[Key]> }): Arbitrary<T> =>
  fc.record(shape, { noNullPrototype: true }) as Arbitrary<T>;
const word = fc.string({ unit: 'binary', maxLength: 40 });
const maybe = <T>(value: Arbitrary<T>) => fc.option(value, { nil: null });
const amount = fc.oneof(fc.integer({ min: 0, max: AMOUNT_MAX }), fc.maxSafeNat());
const time = fc.integer({ min: 0, max: TIME_MAX });
const count = fc.integer({ min: 1, max: 999_999_999 });
const json = fc
  .jsonValue({ stringUnit: 'binary' })
  .map((value) => JSON.parse(JSON.stringify(value)));

const line = record({
  name: word,
  quantity: fc.double({ min: 1e-3, max: 1e9 }),
  price: amount,
  amount,
});
const offer = record({
  usage: fc.constantFrom('single', 'many'),
  minAmount: amount,
  maxAmount: amount,
  maxPayments: maybe(count),
  maxTotal: maybe(amount),
  validFrom: maybe(time),
});
const policies = record({
  late: fc.constantFrom('refuse', 'accept'),
  excess: fc.constantFrom('refuse', 'reverse'),
  part: fc.constantFrom('allow', 'forbid'),
});
const commonTerms = {
  id: word,
  institutionId: word,
  merchantId: word,
  terminalId: word,
  merchant: record({ name: word, city: word }),
  orderId: word,
  digest: word,
  purpose: fc.constantFrom('sale', 'prepayment'),
  amount,
  currency: fc.constantFrom('EUR', 'USD'),
  description: maybe(word),
  lines: fc.array(line, { maxLength: 3 }),
  metadata: maybe(fc.dictionary(word, word, { noNullPrototype: true })),
  capture: fc.constantFrom('manual', 'auto'),
  confirmWithinMs: amount,
  unconfirmed: fc.constantFrom('confirm', 'reverse'),
  qrFormat: fc.constantFrom('url', 'emvco', 'sbp'),
  returnUrl: maybe(word),
  relatedBillId: maybe(word),
  createdAt: time,
  expiresAt: fc.oneof(time, fc.constant(NEVER)),
};
/** Plain objects: those of arbitraries have no prototype. */
const tariff = versions().map((version) =>
  structuredClone({ currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] }),
);
const acquirer = record({
  name: word,
  paychannelId: word,
  closesByItself: fc.boolean(),
  partialRefund: fc.boolean(),
});
const terms = fc.oneof(
  record({ ...commonTerms, type: fc.constant('dynamic') }),
  record({ ...commonTerms, type: fc.constant('dynamic'), policies }),
  record({ ...commonTerms, type: fc.constant('static'), offer }),
  record({ ...commonTerms, type: fc.constant('dynamic'), tipMax: amount }),
  record({ ...commonTerms, type: fc.constant('static'), offer, policies }),
  record({ ...commonTerms, type: fc.constant('dynamic'), acquirer }),
  record({ ...commonTerms, type: fc.constant('timer'), stay: record({ tariff, startedAt: time }) }),
);
const usualPayment = {
  no: count,
  paychannelId: word,
  paymentRef: word,
  amount,
  credited: amount,
  method: maybe(word),
  payer: maybe(word),
  paidAt: maybe(time),
  status: fc.constantFrom('accepted', 'confirmed', 'reversed', 'refunded'),
  receivedAt: time,
  notifiedAt: maybe(time),
  subscribed: fc.boolean(),
};
const payment = fc.oneof(
  record(usualPayment),
  record({ ...usualPayment, excess: amount }),
  record({ ...usualPayment, tip: amount }),
  record({ ...usualPayment, tip: amount, isTipReturned: fc.constant(true) }),
);
const rejection = fc.oneof(
  record({ rejected: fc.constantFrom('bill.notPaid', 'payment.refReused', 'payment.void') }),
  record({ rejected: fc.constant('bill.notPayable'), reason: fc.constantFrom('expired', 'paid') }),
  record({ rejected: fc.constant('bill.stillDue'), due: amount }),
  record({ rejected: fc.constant('bill.notRefundable'), status: fc.constant('open') }),
  record({ rejected: fc.constant('bill.limitReached'), limit: count, of: word }),
  record({ rejected: fc.constant('payment.currencyMismatch'), currency: fc.constant('EUR') }),
  record({ rejected: fc.constant('confirm.exceedsPaid'), paid: amount }),
  record({ rejected: fc.constant('refund.exceedsConfirmed'), left: amount }),
) as Arbitrary<BillRejection>;
const refused = record({
  no: count,
  paychannelId: word,
  paymentRef: word,
  amount,
  method: maybe(word),
  receivedAt: time,
  rejection,
});
const usualCredit = {
  no: count,
  kind: fc.constantFrom('reversal', 'refund'),
  paymentNo: count,
  paychannelId: word,
  paymentRef: word,
  amount,
  status: fc.constantFrom('pending', 'settled', 'rejected'),
  reason: maybe(word),
  reference: maybe(word),
  requestedAt: time,
  settledAt: maybe(time),
  repeats: fc.nat(30),
};
const another = record({ ...usualCredit, replaces: count });
const resolution = fc.oneof(
  record({ how: fc.constant('requestedAgain'), creditNo: count }),
  record({ how: fc.constant('returnedOtherwise'), reference: word, at: time }),
);
const credit = fc.oneof(
  record(usualCredit),
  another,
  record({ ...usualCredit, resolution }),
  record({ ...usualCredit, origin: fc.constant('external') }),
);
/** A driver’s own notes have whatever keys it likes. */
const notes = fc.constant(JSON.parse('{"__proto__":"kept","a b":""}') as unknown);
const registration = record({ id: word, amount, currency: word, ref: word, payload: word, notes });
const commonReservation = {
  no: count,
  paychannelId: word,
  reservationRef: word,
  amount,
  expiresAt: time,
};
const quote = record({
  total: amount,
  coveredUntil: fc.oneof(time, fc.constant(NEVER)),
  until: time,
});
const reservation = fc.oneof(record(commonReservation), record({ ...commonReservation, quote }));

const sale = record({
  billId: word,
  terminalId: word,
  orderId: word,
  digest: word,
  amount,
  policies: fc.constantFrom(null, { late: 'refuse', excess: 'reverse', part: 'forbid' }),
  armedAt: time,
  expiresAt: time,
});

const usualEvent = {
  no: count,
  recipient: word,
  type: fc.constantFrom('payment.received', 'payment.confirmed'),
  occurredAt: time,
  requestId: word,
  status: fc.constantFrom('open', 'cancelled'),
  version: count,
  paid: amount,
  due: amount,
  cause: maybe(fc.constant('timeout')),
  payment: maybe(payment),
  credit: maybe(credit),
  receipt: json,
};
const event = record(usualEvent);

type Shape = Record<string, Arbitrary<unknown>>;

/** One row a fact: a new fact does not compile until it stands here. */
const shapes: { readonly [Type in BillFact['type']]: Shape } = {
  BillCreated: { terms },
  ReservationMade: { reservation, digest: word },
  StayCharged: { total: amount, clearUntil: maybe(time) },
  ReservationEnded: { no: count, how: fc.constantFrom('used', 'released', 'lapsed', 'closed') },
  PaymentAccepted: { payment },
  PaymentAnswered: { no: count, digest: word },
  PaymentRefused: { payment: refused, digest: word },
  PaymentVoided: { paychannelId: word, paymentRef: word },
  BillConfirmed: { amount, cause: maybe(fc.constant('timeout')), receipt: json },
  BillCancelled: { cause: fc.constantFrom('terminal', 'operator') },
  BillExpired: {},
  PaymentConfirmed: { no: count },
  CreditRequested: { credit },
  CreditRepeated: { no: count },
  CreditSettled: {
    no: count,
    status: fc.constantFrom('settled', 'rejected'),
    reference: maybe(word),
    reason: maybe(word),
  },
  CreditRequestedAgain: { credit: another },
  CreditReturnedOtherwise: { no: count, reference: word },
  ReceiptAttached: { receipt: json },
  KeyUsed: { scope: word, key: word, digest: word, rejection: maybe(rejection) },
  EventRaised: {
    to: word,
    event: fc.constantFrom('bill.paid', 'credit.requested'),
    cause: maybe(fc.constant('terminal')),
    paymentNo: maybe(count),
    creditNo: maybe(count),
  },
  EventResent: { event: record({ ...usualEvent, resentAt: time, resends: count }) },
  EventsAcknowledged: { nos: fc.array(count, { maxLength: 5 }) },
  ArmingBegun: { sale, repeatAt: time },
  ArmingRepeated: { repeatAt: time },
  ArmingGivenUp: {},
  StickerArmed: { saleId: word },
  BillOpened: {},
  BillFailed: {},
  AcquiringBegun: {
    step: record({ call: fc.constant('look'), registration }),
    wakeAt: fc.oneof(time, fc.constant(NEVER)),
  },
  AcquiringKept: {
    acquiring: record({
      record: record({ registration: maybe(registration) }),
      no: count,
      wakeAt: time,
    }),
  },
  PartsLetGo: { payments: fc.array(count, { maxLength: 5 }), events: fc.array(count) },
  PartsRecalled: {
    payments: fc.array(payment, { maxLength: 2 }),
    credits: fc.array(credit, { maxLength: 2 }),
    events: fc.array(event, { maxLength: 2 }),
  },
};
const fact = fc.oneof(
  ...Object.entries(shapes).map(([type, shape]) => record({ type: fc.constant(type), ...shape })),
) as Arbitrary<BillFact>;

const stamp = { at: time, actor: word, requestId: word };
const transition = fc.oneof(
  {
    weight: 5,
    arbitrary: record({
      kind: fc.constant('bill'),
      billId: word,
      command: word,
      facts: fc.array(fact, { maxLength: 6 }),
      ...stamp,
    }),
  },
  {
    weight: 1,
    arbitrary: record({
      kind: fc.constant('orderVoided'),
      terminalId: word,
      orderId: word,
      ...stamp,
    }),
  },
) as Arbitrary<Transition>;
const content = fc.oneof(
  {
    weight: 1,
    arbitrary: record({
      kind: fc.constant('open'),
      nonce: word,
      holder: word,
      at: time,
      follows: fc.maxSafeNat(),
    }),
  },
  {
    weight: 6,
    arbitrary: record({
      kind: fc.constant('batch'),
      transitions: fc.array(transition, { maxLength: 20 }),
    }),
  },
) as Arbitrary<EntryContent>;

describe('the entry codec', () => {
  test('reads every entry as it was written, and by itself, whatever stands before it', () => {
    const writer = makeEntryCodec();
    const reader = makeEntryCodec();
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 4 }), (contents) => {
        const payloads = contents.map((each) => writer.encode(each));
        // Backwards and with gaps, as an entry is read after a trim; and by one that has read nothing yet.
        for (const [index, payload] of [...payloads.entries()].reverse()) {
          expect(reader.decode(payload)).toStrictEqual(contents[index]);
        }
        expect(makeEntryCodec().decode(payloads[0] ?? new Uint8Array())).toStrictEqual(contents[0]);
      }),
      { numRuns: 200 },
    );
  });
});
