import { describe, expect, test } from 'vitest';
import type { Answer, Body, Call, Op } from './calls.ts';
import { checkHistory, type Verdict } from './check.ts';
import { historiesOf } from './histories.ts';
import { type Kind, makeHistory } from './made-histories.ts';
import { mutationsOf } from './mutations.ts';

const BILL = 'B';

/** `[from, to, client, op, body, answer]`: an answer of null never came. */
type Line = readonly [number, number, string, Op, Body, Answer | null];

function history(...lines: readonly Line[]): Verdict {
  const calls = lines.map(
    ([invokedAt, returnedAt, client, op, body, answer]): Call => ({
      client,
      op,
      body: op === 'bill.create' || op === 'order.resolve' ? body : { billId: BILL, ...body },
      answer,
      invokedAt,
      returnedAt,
    }),
  );
  return checkHistory(calls, { skewMs: 60_000 });
}

const ORDER = { orderId: 'o-1', amount: 10, currency: 'EUR' };
const CREATED: Line = [0, 1, 'till', 'bill.create', ORDER, bill(201, { version: 1, due: 10 })];

function bill(status: number, body: Body): Answer {
  return { status, body: { id: BILL, ...body } };
}

function problem(status: number, code: string, members: Body = {}): Answer {
  return { status, body: { code, ...members } };
}

function pays(from: number, to: number, ref: string, amount: number, answer: Answer | null): Line {
  return [
    from,
    to,
    'wallet',
    'payment.create',
    { paymentRef: ref, amount, currency: 'EUR' },
    answer,
  ];
}

function taken(version: number, paid: number): Answer {
  return { status: 201, body: { bill: { version, paid, due: 10 - paid } } };
}

function sees(from: number, to: number, body: Body): Line {
  return [from, to, 'till', 'bill.get', {}, bill(200, body)];
}

const EXCEEDS = problem(422, 'payment.exceedsDue');

describe('a history that can have come about', () => {
  test('is one call after another', () => {
    const verdict = history(
      CREATED,
      pays(2, 3, 'p', 4, taken(2, 4)),
      pays(4, 5, 'q', 7, problem(422, 'payment.exceedsDue', { due: 6 })),
      pays(6, 7, 'q', 7, problem(422, 'payment.exceedsDue', { due: 6 })),
      pays(8, 9, 'r', 6, taken(3, 10)),
      [10, 11, 'till', 'bill.confirm', { amount: 8 }, bill(200, { version: 4, reversed: 2 })],
      [
        12,
        13,
        'wallet',
        'credit.settle',
        { creditId: 'B-c1', status: 'settled' },
        { status: 200, body: { amount: 2 } },
      ],
      sees(14, 15, { version: 5, status: 'confirmed', confirmed: 8, reversed: 2 }),
    );
    expect(verdict.ok).toBe(true);
  });

  test('is two calls at a time, answered in the other order than they took effect', () => {
    const verdict = history(
      CREATED,
      pays(2, 9, 'p', 4, taken(2, 4)),
      pays(3, 8, 'q', 6, taken(3, 10)),
      sees(4, 7, { version: 2, paid: 4 }),
    );
    expect(verdict.ok).toBe(true);
  });

  test('has a call without an answer that took effect late', () => {
    const verdict = history(
      CREATED,
      pays(2, 3, 'p', 4, null),
      sees(4, 5, { version: 1, paid: 0 }),
      sees(6, 7, { version: 2, paid: 4 }),
      pays(8, 9, 'p', 4, { status: 200, body: { bill: { version: 2, paid: 4 } } }),
    );
    expect(verdict.ok).toBe(true);
  });

  test('has a call without an answer that never took effect', () => {
    expect(history(CREATED, pays(2, 3, 'p', 4, null), sees(9, 10, { version: 1 })).ok).toBe(true);
  });

  test('has a bill that expired when its time was over, and not before', () => {
    const calls = (at: number): Call[] => [
      call(0, 1, 'bill.create', ORDER, bill(201, { version: 1 })),
      call(at, at + 1, 'bill.get', { billId: BILL }, bill(200, { status: 'expired', version: 2 })),
    ];
    expect(checkHistory(calls(901_000), { skewMs: 5_000 }).ok).toBe(true);
    expect(checkHistory(calls(800_000), { skewMs: 5_000 }).ok).toBe(false);
  });
});

function call(invokedAt: number, returnedAt: number, op: Op, body: Body, answer: Answer): Call {
  return { client: 'till', op, body, answer, invokedAt, returnedAt };
}

describe('a history that cannot have come about', () => {
  const impossible: Record<string, readonly Line[]> = {
    'shows a bill as it was before a payment that had been acknowledged': [
      CREATED,
      pays(2, 3, 'p', 4, taken(2, 4)),
      sees(4, 5, { version: 1, paid: 0 }),
    ],
    'has two payments that together are more than was due': [
      CREATED,
      pays(2, 5, 'p', 7, { status: 201, body: {} }),
      pays(3, 6, 'q', 7, { status: 201, body: {} }),
    ],
    'has a payment refused and then accepted under the same reference': [
      CREATED,
      pays(2, 3, 'p', 11, EXCEEDS),
      pays(4, 5, 'p', 11, { status: 201, body: {} }),
    ],
    'has lost a payment that another one overwrote': [
      CREATED,
      pays(2, 5, 'p', 4, taken(2, 4)),
      pays(3, 6, 'q', 3, taken(2, 3)),
    ],
    'has a call without an answer that took effect twice': [
      CREATED,
      [2, 3, 'wallet', 'bill.reserve', { reservationRef: 'h', amount: 4 }, null],
      sees(4, 5, { version: 2, reserved: 4 }),
      sees(6, 7, { version: 3, reserved: 8 }),
    ],
    'has an effect of a call before it was made': [
      CREATED,
      sees(2, 3, { version: 2, paid: 4 }),
      pays(4, 5, 'p', 4, taken(2, 4)),
    ],
    'has an effect of a call that was told 503': [
      CREATED,
      pays(2, 3, 'p', 4, problem(503, 'overloaded')),
      sees(4, 5, { version: 2, paid: 4 }),
    ],
    'has a payment taken on a cancelled bill': [
      CREATED,
      [2, 3, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled' })],
      pays(4, 5, 'p', 4, { status: 201, body: {} }),
    ],
    'has a bill made of an order that was void': [
      [
        0,
        1,
        'till',
        'order.resolve',
        { orderId: 'o-1' },
        { status: 200, body: { status: 'void' } },
      ],
      [2, 3, 'till', 'bill.create', ORDER, bill(201, { version: 1 })],
    ],
    'has two refunds under one key': [
      CREATED,
      pays(2, 3, 'p', 10, taken(2, 10)),
      [4, 5, 'till', 'bill.confirm', {}, bill(200, { version: 3 })],
      [6, 7, 'till', 'bill.refund', { amount: 3, idempotencyKey: 'k' }, bill(200, { refunded: 3 })],
      [8, 9, 'till', 'bill.refund', { amount: 3, idempotencyKey: 'k' }, bill(200, { refunded: 6 })],
    ],
  };

  test.each(Object.entries(impossible))('%s', (_, lines) => {
    expect(history(...lines).ok).toBe(false);
  });

  test('is told by its shortest beginning that cannot be, and what stands in the way', () => {
    const verdict = history(
      CREATED,
      pays(2, 3, 'p', 4, taken(2, 4)),
      sees(4, 5, { version: 1 }),
      sees(6, 7, { version: 2 }),
      sees(8, 9, { version: 2 }),
    );
    if (verdict.ok !== false) throw new Error('it was explained');
    expect(verdict.prefix).toHaveLength(3);
    expect(verdict.why).toContain('4 till bill.get');
  });
});

const CODE = { orderId: 'o-1', type: 'static', usage: 'many', amount: 5, currency: 'EUR' };

/** A code for many, whose payments wait for their confirms, with what it is limited to. */
function printed(limits: Body = {}): Line {
  const terms = { ...CODE, capture: 'manual', ...limits };
  return [0, 1, 'till', 'bill.create', terms, bill(201, { version: 1, due: 5, paid: 0 })];
}

function comes(from: number, to: number, ref: string, version: number, amount = 5): Line {
  const body = { payment: { status: 'accepted' }, bill: { version, status: 'open', due: 5 } };
  return pays(from, to, ref, amount, { status: 201, body });
}

function ends(from: number, op: Op, no: number, body: Body, answer: Answer): Line {
  return [from, from + 1, 'till', op, { paymentId: `B-p${no}`, ...body }, answer];
}

function oneNow(version: number, payment: Body, books: Body): Answer {
  return { status: 200, body: { payment, bill: { version, ...books } } };
}

/** A payment of a code of which a part went back at once. */
function tooMuch(version: number, amount: number, credited: number): Answer {
  const body = { payment: { amount, credited, status: 'accepted' }, bill: { version, due: 5 } };
  return { status: 201, body };
}

const OUT_OF_RANGE = problem(422, 'payment.outOfRange', { minAmount: 5, maxAmount: 5 });
const LIMIT = problem(409, 'bill.notPayable', { reason: 'limit' });
const WITHDRAWN = problem(409, 'bill.notPayable', { reason: 'withdrawn' });

describe('the history of a printed code', () => {
  test('has payments that end one by one, whatever becomes of the code', () => {
    const verdict = history(
      printed({ maxPayments: 3 }),
      comes(2, 9, 'p', 2),
      comes(3, 8, 'q', 3),
      ends(
        10,
        'payment.confirm',
        1,
        { amount: 4 },
        oneNow(4, { credited: 1, status: 'confirmed' }, {}),
      ),
      comes(12, 13, 'r', 5),
      pays(14, 15, 's', 5, LIMIT),
      [
        16,
        17,
        'till',
        'bill.cancel',
        {},
        bill(200, { version: 6, status: 'cancelled', reversed: 1 }),
      ],
      pays(18, 19, 't', 5, WITHDRAWN),
      ends(20, 'payment.cancel', 2, {}, oneNow(7, { status: 'reversed' }, { reversed: 6 })),
      ends(22, 'payment.confirm', 3, {}, oneNow(8, { status: 'confirmed' }, { confirmed: 9 })),
      ends(24, 'payment.refund', 3, { idempotencyKey: 'k' }, oneNow(9, { status: 'refunded' }, {})),
      sees(26, 27, { version: 9, paid: 15, confirmed: 9, reversed: 6, refunded: 5 }),
    );
    expect(verdict).toMatchObject({ ok: true });
  });

  test('has its beginning and its end at their times', () => {
    const calls = (at: number, answer: Answer): Call[] => [
      call(0, 1, 'bill.create', { ...CODE, validFrom: 50_000, validUntil: 90_000 }, bill(201, {})),
      call(at, at + 1, 'bill.view', { billId: BILL }, answer),
    ];
    const view = (reason: string | null): Answer =>
      bill(200, { reason, due: 5, status: reason === 'expired' ? 'expired' : 'open' });
    const ok = (at: number, answer: Answer): boolean =>
      checkHistory(calls(at, answer), { skewMs: 5_000 }).ok === true;
    expect(ok(20_000, view('notYetValid'))).toBe(true);
    expect(ok(70_000, view('notYetValid'))).toBe(false);
    expect(ok(20_000, view(null))).toBe(false);
    expect(ok(70_000, view(null))).toBe(true);
    expect(ok(99_000, view(null))).toBe(false);
    expect(ok(99_000, { status: 200, body: { reason: 'expired', due: 0 } })).toBe(true);
  });

  test('has what was too much given back at once, and for one payer also what came late', () => {
    const policies = { late: 'accept', excess: 'reverse' };
    const order = { ...CODE, usage: 'single', capture: 'manual', validUntil: 50_000, policies };
    const late = {
      payment: { amount: 8, credited: 3 },
      bill: { version: 2, status: 'paid', due: 0 },
    };
    const verdict = history(
      [0, 1, 'till', 'bill.create', order, bill(201, { version: 1, due: 5 })],
      pays(200_000, 200_001, 'p', 4, OUT_OF_RANGE),
      pays(200_002, 200_003, 'q', 8, { status: 201, body: late }),
      sees(200_004, 200_005, { version: 2, paid: 8, reversed: 3, confirmed: 0 }),
      [200_006, 200_007, 'till', 'bill.confirm', {}, bill(200, { version: 3, confirmed: 5 })],
      [200_008, 200_009, 'till', 'bill.confirm', {}, bill(200, { version: 3, confirmed: 5 })],
    );
    expect(verdict).toMatchObject({ ok: true });
    const many = history(
      printed({ policies: { excess: 'reverse' }, maxTotal: 10 }),
      pays(2, 3, 'p', 9, tooMuch(2, 9, 4)),
      ends(4, 'payment.confirm', 1, {}, oneNow(3, { credited: 4 }, { confirmed: 5, reversed: 4 })),
      pays(6, 7, 'q', 6, tooMuch(4, 6, 1)),
      pays(8, 9, 'r', 6, LIMIT),
    );
    expect(many).toMatchObject({ ok: true });
  });

  const impossible: Record<string, readonly Line[]> = {
    'has more payments than its limit': [
      printed({ maxPayments: 1 }),
      pays(2, 5, 'p', 5, { status: 201, body: {} }),
      pays(3, 6, 'q', 5, { status: 201, body: {} }),
    ],
    'has more money than its limit': [
      printed({ maxTotal: 8 }),
      pays(2, 5, 'p', 5, { status: 201, body: {} }),
      pays(3, 6, 'q', 5, { status: 201, body: {} }),
    ],
    'has a payment refused for a limit that was not reached': [
      printed({ maxPayments: 2 }),
      comes(2, 3, 'p', 2),
      pays(4, 5, 'q', 5, LIMIT),
    ],
    'has a payment outside of its range': [
      printed({ amount: undefined, minAmount: 5, maxAmount: 7 }),
      comes(2, 3, 'p', 2, 8),
    ],
    'has a payment that came after it was withdrawn': [
      printed(),
      [2, 3, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled' })],
      comes(4, 5, 'p', 3),
    ],
    'gives back what was paid when it is withdrawn': [
      printed(),
      comes(2, 3, 'p', 2),
      [4, 5, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled', reversed: 5 })],
    ],
    'has a payment confirmed by two amounts': [
      printed(),
      comes(2, 3, 'p', 2),
      ends(4, 'payment.confirm', 1, { amount: 4 }, oneNow(3, { credited: 1 }, {})),
      ends(6, 'payment.confirm', 1, { amount: 5 }, oneNow(3, { credited: 1 }, {})),
    ],
    'has a payment refunded that was never confirmed': [
      printed(),
      comes(2, 3, 'p', 2),
      ends(4, 'payment.refund', 1, { idempotencyKey: 'k' }, oneNow(3, {}, {})),
    ],
    'keeps what was too much': [
      printed({ policies: { excess: 'reverse' } }),
      comes(2, 3, 'p', 2, 8),
      sees(4, 5, { version: 2, paid: 8, reversed: 0 }),
    ],
    'confirms what was too much and went back': [
      printed({ policies: { excess: 'reverse' } }),
      pays(2, 3, 'p', 8, tooMuch(2, 8, 3)),
      ends(4, 'payment.confirm', 1, { amount: 8 }, oneNow(3, { credited: 3 }, {})),
    ],
    'counts what went back at once towards its limit': [
      printed({ policies: { excess: 'reverse' }, maxTotal: 10 }),
      pays(2, 3, 'p', 9, tooMuch(2, 9, 4)),
      pays(4, 5, 'q', 5, LIMIT),
    ],
    'takes what came late, and nobody said that it would': [
      printed({ usage: 'single', validUntil: 50_000 }),
      pays(200_000, 200_001, 'p', 5, { status: 201, body: {} }),
    ],
    'takes what came late after it was cancelled': [
      printed({ usage: 'single', validUntil: 50_000, policies: { late: 'accept' } }),
      [2, 3, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled' })],
      pays(200_000, 200_001, 'p', 5, { status: 201, body: {} }),
    ],
    'is over, though it said that it takes what comes late': [
      printed({ usage: 'single', validUntil: 50_000, policies: { late: 'accept' } }),
      sees(200_000, 200_001, { version: 2, status: 'expired' }),
    ],
    'has two payers of a code for one': [
      printed({ usage: 'single' }),
      pays(2, 5, 'p', 5, { status: 201, body: {} }),
      pays(3, 6, 'q', 5, { status: 201, body: {} }),
    ],
  };

  test.each(Object.entries(impossible))('is none where it %s', (_, lines) => {
    expect(history(...lines).ok).toBe(false);
  });
});

/** Of an arm: `attempt` is the bill that is to be made. */
function arms(from: number, op: Op, attempt: string, body: Body, answer: Answer): Line {
  const order = { orderId: `order of ${attempt}`, attempt };
  return [from, from + 1, 'till', op, { ...order, ...body }, answer];
}

function stands(version: number, carriedId: string | null, armingId: string | null): Answer {
  return { status: 200, body: { version, carriedId, armingId } };
}

const ARMED = problem(409, 'bill.notPayable', { reason: 'armed' });
const ELSEWHERE = (id: string | null): Answer => ({ status: 200, body: { elsewhere: id } });

describe('the history of a sticker', () => {
  test('has one sale after another', () => {
    const verdict = history(
      printed(),
      comes(2, 3, 'p', 2),
      arms(4, 'sticker.begin', 'A', {}, stands(2, null, 'A')),
      pays(6, 7, 'q', 5, ARMED),
      arms(8, 'sticker.begin', 'B', {}, stands(2, null, 'A')),
      arms(10, 'sticker.end', 'A', { saleId: 'A' }, stands(3, 'A', null)),
      [12, 13, 'wallet', 'bill.view', {}, ELSEWHERE('A')],
      arms(14, 'sticker.begin', 'B', {}, stands(3, 'A', 'B')),
      [16, 17, 'wallet', 'bill.view', {}, ELSEWHERE('A')],
      arms(18, 'sticker.end', 'A', { saleId: 'A' }, stands(3, 'A', 'B')),
      arms(20, 'sticker.end', 'B', {}, stands(3, 'A', null)),
      [22, 23, 'till', 'bill.cancel', {}, bill(200, { version: 4, saleId: 'A' })],
      [24, 25, 'wallet', 'bill.view', {}, ELSEWHERE(null)],
    );
    expect(verdict).toMatchObject({ ok: true });
  });

  /** Withdrawn with an arm under way, which its till hears the end of only then. */
  const overtaken = (answer: Answer): Line[] => [
    printed(),
    [
      2,
      Number.POSITIVE_INFINITY,
      'till',
      'sticker.begin',
      { orderId: 'order of A', attempt: 'A' },
      null,
    ],
    [4, 5, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled', version: 2 })],
    arms(6, 'bill.arm', 'A', {}, answer),
    sees(8, 9, { version: 2 }),
  ];

  test('is withdrawn before an arm has ended, whose sale is over by then', () => {
    const verdict = history(...overtaken({ status: 200, body: { id: 'A', isOver: true } }));
    expect(verdict).toMatchObject({ ok: true });
  });

  const impossible: Record<string, readonly Line[]> = {
    'was withdrawn before an arm had ended, whose sale can be paid': overtaken({
      status: 200,
      body: { id: 'A' },
    }),
    'takes a payment itself, though it carries a sale': [
      printed(),
      arms(2, 'sticker.begin', 'A', {}, stands(1, null, 'A')),
      arms(4, 'sticker.end', 'A', { saleId: 'A' }, stands(2, 'A', null)),
      comes(6, 7, 'p', 3),
    ],
    'shows the sale before the last one': [
      printed(),
      arms(2, 'sticker.begin', 'A', {}, stands(1, null, 'A')),
      arms(4, 'sticker.end', 'A', { saleId: 'A' }, stands(2, 'A', null)),
      arms(6, 'sticker.begin', 'B', {}, stands(2, 'A', 'B')),
      arms(8, 'sticker.end', 'B', { saleId: 'B' }, stands(3, 'B', null)),
      [10, 11, 'wallet', 'bill.view', {}, ELSEWHERE('A')],
    ],
    'has two arms under way': [
      printed(),
      arms(2, 'sticker.begin', 'A', {}, stands(1, null, 'A')),
      arms(4, 'sticker.begin', 'B', {}, stands(1, null, 'B')),
    ],
    'is armed after it was withdrawn': [
      printed(),
      [2, 3, 'till', 'bill.cancel', {}, bill(200, { status: 'cancelled' })],
      arms(4, 'sticker.begin', 'A', {}, stands(2, null, 'A')),
    ],
  };

  test.each(Object.entries(impossible))('is none where it %s', (_, lines) => {
    expect(history(...lines).ok).toBe(false);
  });
});

const KINDS: readonly Kind[] = ['dynamic', 'single', 'many'];

describe('the search', () => {
  test('gives up at its bound, and says so', () => {
    const lines = Array.from({ length: 12 }, (_, i) => pays(2, 3, `p-${i}`, 1 + (i % 3), null));
    const calls = [CREATED, ...lines, sees(9, 10, { version: 99 })].map(
      ([invokedAt, returnedAt, client, op, body, answer]): Call => ({
        client,
        op,
        body,
        answer,
        invokedAt,
        returnedAt,
      }),
    );
    expect(checkHistory(calls, { statesMax: 500 })).toEqual({ ok: 'gaveUp', states: 501 });
  });

  test('explains made histories with five clients at a time, in little time', () => {
    let states = 0;
    for (let seed = 1; seed <= 2_000; seed++) {
      const verdict = checkHistory(makeHistory(seed, KINDS[seed % 3]), { skewMs: 60_000 });
      if (verdict.ok !== true) throw new Error(`seed ${seed}: ${JSON.stringify(verdict)}`);
      states += verdict.states;
    }
    // Without memory and without the short way for what changes nothing it would be millions.
    expect(states).toBeLessThan(200_000);
  });

  test('finds a made history changed by one answer or robbed of one effect', () => {
    let found = 0;
    let changed = 0;
    for (let seed = 1; seed <= 300; seed++) {
      for (const mutated of mutationsOf(makeHistory(seed, KINDS[seed % 3]), seed)) {
        changed += 1;
        if (checkHistory(mutated, { skewMs: 60_000 }).ok === false) found += 1;
      }
    }
    expect(changed).toBeGreaterThan(400);
    expect(found).toBe(changed);
  });
});

describe('calls of many bills', () => {
  test('fall into histories of one bill each, with the calls of its order', () => {
    const made = (orderId: string, id: string): Call =>
      call(0, 1, 'bill.create', { orderId }, { status: 201, body: { id } });
    const get = (billId: string): Call =>
      call(2, 3, 'bill.get', { billId }, { status: 200, body: {} });
    const resolve = call(4, 5, 'order.resolve', { orderId: 'void' }, { status: 200, body: {} });
    const histories = historiesOf([made('a', 'A'), made('b', 'B'), get('B'), get('A'), resolve]);
    expect(histories.map((calls) => calls.map(({ op }) => op))).toEqual([
      ['bill.create', 'bill.get'],
      ['bill.create', 'bill.get'],
      ['order.resolve'],
    ]);
  });
});
