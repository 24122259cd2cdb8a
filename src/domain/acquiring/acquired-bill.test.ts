import { describe, expect, test } from 'vitest';
import { must } from '../assert.ts';
import type { Currency, Minor } from '../money.ts';
import { HOUR_MS, type Millis, plus } from '../time.ts';
import {
  acquire,
  begin,
  finish,
  nextStep,
  pastExpiry,
  type StepTaken,
  wantCancel,
  wantRefund,
} from './acquired-bill.ts';
import type { AcquiredBill } from './record.ts';
import { stepNow, visitAt, wakeAtOf } from './standing.ts';
import type { NotDone, NotDoneCode, Sighting, Unknown, Unsent } from './words.ts';

const START = 1_000_000 as Millis;
const SETTLE_MS = 60_000;
const CAN = { closesByItself: true };
const LOST: Unknown = { outcome: 'unknown', detail: 'no answer', afterMs: 2_000 };
const at = (ms: number): Millis => plus(START, ms);

const sighting: Sighting = {
  status: 'open',
  paid: 0 as Minor,
  returned: 0 as Minor,
  isReturning: false,
  reference: null,
  payer: null,
};
const fresh = acquire({
  billId: 'b',
  amount: 1_000 as Minor,
  currency: 'RUB' as Currency,
  description: '',
  createdAt: START,
  expiresAt: at(900_000),
});
const id = 'b-1';
const registration = { ...fresh, id, ref: 'r', payload: 'p', notes: {} };
const open: AcquiredBill = { ...fresh, status: 'open', registration, seen: sighting };
const paid: AcquiredBill = {
  ...open,
  status: 'paid',
  paid: 1_000 as Minor,
  seen: { ...sighting, status: 'paid', paid: 1_000 as Minor },
};

const unsent = (why: Unsent, afterMs: number): Unknown => ({ ...LOST, unsent: why, afterMs });

/** One call and what came of it; `null` where none may be made now. */
function made(
  bill: AcquiredBill,
  now: Millis,
  outcomeOf: (lastSentAt: Millis | null) => Unknown | NotDone,
): { bill: AcquiredBill; lastSentAt: Millis | null } {
  const step = must(stepNow(bill, now, CAN), 'a step');
  if (step.call === 'look') throw new Error('a look');
  const { lastSentAt } = step.attempt;
  const begun = begin(bill, step, now);
  return { bill: finish(begun, step, outcomeOf(lastSentAt), now), lastSentAt };
}

/** As drivers have it: too early until the call before can no longer arrive. */
const earlyAt =
  (now: Millis) =>
  (lastSentAt: Millis | null): Unknown =>
    unsent('early', must(lastSentAt, 'an earlier call') + SETTLE_MS - now);

/** As it is seen just before a refund is begun. */
function looked(bill: AcquiredBill, now: Millis, seen = must(paid.seen, 'a sighting')) {
  expect(nextStep(bill, now, CAN)).toMatchObject({ call: 'look' });
  return finish(bill, { call: 'look' }, { outcome: 'done', value: seen }, now);
}

function refundWanted(): AcquiredBill {
  const wanted = must(wantRefund(paid, { id: 'c1', amount: 300 as Minor }, START), 'a refund');
  return looked(wanted, START);
}

const wanting: readonly [string, AcquiredBill][] = [
  ['a refund', refundWanted()],
  ['a cancel', wantCancel(open, START)],
];

describe.each(wanting)('%s whose call was lost', (_what, wanted) => {
  test('is due when that call can no longer arrive, however often it is taken up before', () => {
    let { bill } = made(wanted, START, () => LOST);
    for (let ms = 5_000; ms < SETTLE_MS; ms += 5_000) {
      const taken = made(bill, at(ms), earlyAt(at(ms)));
      expect(taken.lastSentAt).toBe(START);
      expect(taken.bill.dueAt).toBe(at(SETTLE_MS));
      bill = taken.bill;
    }

    expect(nextStep(bill, at(SETTLE_MS), CAN)).toMatchObject({ attempt: { lastSentAt: START } });
  });

  test('counts from its last call where nobody says that this one was not sent', () => {
    const { bill } = made(wanted, START, () => LOST);
    const again = made(bill, at(5_000), () => LOST);

    expect(made(again.bill, at(10_000), () => LOST).lastSentAt).toBe(at(5_000));
  });

  test('is asked about less and less often while nobody can tell, and counts from the first all the same', () => {
    let { bill } = made(wanted, START, () => LOST);
    const waits: number[] = [];
    for (let now = at(5_000), i = 0; i < 6; i++) {
      const taken = made(bill, now, () => unsent('unclear', 0));
      expect(taken.lastSentAt).toBe(START);
      bill = taken.bill;
      waits.push(bill.dueAt - now);
      now = bill.dueAt;
    }

    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000]);
  });

  test('has not been begun where its first call was not even sent', () => {
    const { bill } = made(wanted, START, () => unsent('unclear', 0));

    expect(made(bill, at(5_000), () => LOST).lastSentAt).toBe(null);
  });
});

test('a cancel that is done and has ended nothing is asked for less and less often', () => {
  let bill = wantCancel(open, START);
  const waits: number[] = [];
  for (let now = START; waits.length < 4; now = bill.dueAt) {
    const step = must(nextStep(bill, now, CAN), 'a step');
    expect(step.call).toBe('cancel');
    bill = finish(begin(bill, step, now), step, { outcome: 'done', value: sighting }, now);
    waits.push(bill.dueAt - now);
  }

  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
});

describe('a refund whose next call was not let in', () => {
  const wanted = refundWanted();
  const shut = (code: NotDoneCode): NotDone => ({
    outcome: 'notDone',
    code,
    detail: 'not now',
    again: { afterMs: 5_000 },
  });

  test.each<NotDoneCode>(['unreachable', 'busy', 'unauthorised'])(
    'is looked for since the first call, and is not taken for one by hand: %s',
    (code) => {
      const { bill } = made(wanted, START, () => LOST);
      const kept = made(bill, at(5_000), () => shut(code)).bill;
      const seen = {
        ...sighting,
        status: 'paid',
        paid: paid.paid,
        returned: 300 as Minor,
      } as const;
      const looked = finish(kept, { call: 'look' }, { outcome: 'done', value: seen }, at(10_000));

      expect(kept.dueAt).toBe(at(10_000));
      expect(looked.external).toBe(0);
      expect(nextStep(looked, at(10_000), CAN)).toMatchObject({
        call: 'refund',
        refund: { returnedBefore: 0 },
        attempt: { lastSentAt: START },
      });
    },
  );

  test('is decided anew where that was its first one', () => {
    const { bill } = made(wanted, START, () => shut('busy'));

    expect(bill.refunds).toMatchObject([{ status: 'asked', sentAt: null, attempts: 1 }]);
  });
});

describe('a refund that is wanted long after the last look', () => {
  const DAY_MS = 86_400_000;
  const seen = { ...must(paid.seen, 'a sighting'), returned: 300 as Minor };

  test('is told apart from what was given back by hand since, though the life that begins it ends before its call', () => {
    const order = { id: 'c1', amount: 300 as Minor };
    const known = looked(must(wantRefund(paid, order, at(DAY_MS)), 'a refund'), at(DAY_MS), seen);
    const { bill } = made(known, at(DAY_MS), () => LOST);

    expect(known.external).toBe(300);
    expect(nextStep(bill, bill.dueAt, CAN)).toMatchObject({
      call: 'refund',
      refund: { returnedBefore: 300 },
      attempt: { lastSentAt: at(DAY_MS) },
    });
  });

  test('of all that came, once it is cancelled, asks for what is left now', () => {
    const known = looked(wantCancel(paid, at(DAY_MS)), at(DAY_MS), seen);

    expect(nextStep(known, at(DAY_MS), CAN)).toMatchObject({
      call: 'refund',
      refund: { amount: 700, returnedBefore: 300 },
    });
  });

  test('waits for no look where the one before it has just been answered', () => {
    const both = must(wantRefund(refundWanted(), { id: 'c2', amount: 200 as Minor }, START), 'two');

    expect(nextStep(both, START, CAN)).toMatchObject({ call: 'refund', refund: { id: 'c1' } });
  });
});

describe('a registration', () => {
  const finished = (change: object): AcquiredBill => {
    const value = { ...registration, ...change };
    const step = { call: 'register', attempt: { lastSentAt: null } } as const;
    return finish({ ...fresh, sentAt: START }, step, { outcome: 'done', value }, at(1_000));
  };

  test('of the bill opens it', () => {
    expect(finished({})).toMatchObject({ status: 'open', registration: { id } });
  });

  test.each([{ id: 'b-2' }, { amount: 999 as Minor }, { currency: 'USD' as Currency }])(
    'with %o is none: nobody is given its code, and the acquirer is asked again',
    (change) => {
      expect(finished(change)).toMatchObject({
        status: 'pending',
        registration: null,
        sentAt: START,
        dueAt: at(61_000),
      });
    },
  );
});

describe('a bill that the acquirer does not register now', () => {
  const shut: NotDone = {
    outcome: 'notDone',
    code: 'unauthorised',
    detail: 'in an hour',
    again: { afterMs: HOUR_MS },
  };

  test('ends in time all the same', () => {
    const { bill } = made(fresh, START, () => shut);

    expect(visitAt(bill, START, CAN)).toBe(fresh.expiresAt);
    expect(wakeAtOf(bill, START, CAN)).toBe(fresh.expiresAt);
    expect(pastExpiry(bill, fresh.expiresAt)).toMatchObject({ status: 'expired' });
  });

  test('is tried again when the acquirer wants it, where that is sooner', () => {
    const { bill } = made(fresh, START, () => ({ ...shut, again: { afterMs: 60_000 } }));

    expect(visitAt(bill, START, CAN)).toBe(at(60_000));
    expect(wakeAtOf(bill, START, CAN)).toBe(at(65_000));
  });
});

describe('a refund that the acquirer has put off', () => {
  const put = (afterMs: number) =>
    ({ outcome: 'notDone', code: 'usedUp', detail: '3029', again: { afterMs } }) as const;
  const first = refundWanted();
  const step = must(nextStep(first, START, CAN), 'a step');
  const off = finish(begin(first, step, START), step as StepTaken, put(3_600_000), START);

  test('is not asked for before its time because another is wanted', () => {
    const both = must(wantRefund(off, { id: 'c2', amount: 200 as Minor }, at(1_000)), 'a refund');

    expect(stepNow(both, at(1_000), CAN)).toBe(undefined);
    expect(both.dueAt).toBe(at(3_600_000));
    expect(nextStep({ ...both, seen: paid.seen }, at(3_600_000), CAN)).toMatchObject({
      call: 'refund',
      refund: { id: 'c1' },
    });
  });

  test('is asked for at once where nothing puts it off', () => {
    const both = must(wantRefund(first, { id: 'c2', amount: 200 as Minor }, at(1_000)), 'a refund');

    expect(both.dueAt).toBe(at(1_000));
  });
});

describe('a refund that the acquirer refuses for now', () => {
  const DAY_MS = 86_400_000;
  const no = (code: NotDoneCode, afterMs: number): NotDone => ({
    outcome: 'notDone',
    code,
    detail: '3002',
    again: { afterMs },
  });

  /** Looked at and asked for whenever it is due, while it is; the refusals, by when they came. */
  function refusedBy(
    answer: NotDone,
    untilMs: number,
  ): { bill: AcquiredBill; refusedAt: number[] } {
    let bill = refundWanted();
    const refusedAt: number[] = [];
    for (let now = START; now < at(untilMs); now = bill.dueAt) {
      const seen = bill.seen === null ? looked(bill, now) : bill;
      bill = seen.refunds.some(({ status }) => status === 'asked')
        ? made(seen, now, () => answer).bill
        : seen;
      if (bill === seen) break;
      refusedAt.push(now - START);
    }
    return { bill, refusedAt };
  }

  test.each([
    [200, { status: 'asked' }, 200],
    [300, { status: 'done' }, 0],
    [450, { status: 'done' }, 150],
  ])('has been given where as much was given by hand meanwhile: %i', (byHand, order, external) => {
    const { bill } = refusedBy(no('refused', 3_600_000), 1);
    const seen = { ...must(paid.seen, 'a sighting'), returned: byHand as Minor };
    const known = looked(bill, at(3_600_000), seen);

    expect(known.refunds).toMatchObject([order]);
    expect(known.external).toBe(external);
  });

  test('is asked for less and less often', () => {
    const { refusedAt } = refusedBy(no('refused', 2_000), 60_000);

    expect(refusedAt).toEqual([0, 2_000, 4_000, 8_000, 16_000, 32_000]);
    expect(refusedBy(no('refused', 2_000), 3_600_000).refusedAt.length).toBeLessThan(25);
  });

  test.each([2_000, 3_600_000])('is refused once it has been for a day: %i', (afterMs) => {
    const { bill, refusedAt } = refusedBy(no('refused', afterMs), 3 * DAY_MS);

    expect(bill.refunds).toMatchObject([{ status: 'refused', reason: 'refused: 3002' }]);
    expect(refusedAt.at(-1)).toBeGreaterThanOrEqual(DAY_MS);
    expect(refusedAt.at(-1)).toBeLessThan(DAY_MS + 3_600_000);
  });

  test.each<NotDoneCode>(['unreachable', 'busy', 'unauthorised'])(
    'waits for as long as it takes where it is not let in: %s',
    (code) => {
      const { bill } = refusedBy(no(code, 3_600_000), 3 * DAY_MS);

      expect(bill.refunds).toMatchObject([{ status: 'asked' }]);
    },
  );
});

describe('an acquirer that says that less has been given back than is known', () => {
  const returned = (amount: number) =>
    ({ ...sighting, status: 'paid', paid: paid.paid, returned: amount as Minor }) as const;
  const looked = (bill: AcquiredBill, amount: number, now: Millis) =>
    finish(bill, { call: 'look' }, { outcome: 'done', value: returned(amount) }, now);
  const wanted = must(wantRefund(paid, { id: 'c1', amount: 300 as Minor }, START), 'a refund');
  const first = looked(wanted, 0, START);
  const step = must(nextStep(first, START, CAN), 'a step');
  const value = returned(300);
  const given = finish(
    begin(first, step, START),
    step as StepTaken,
    { outcome: 'done', value },
    START,
  );

  test('is asked again, less and less often, and sent nothing until it says as much', () => {
    let bill = must(wantRefund(given, { id: 'c2', amount: 200 as Minor }, START), 'a refund');
    bill = { ...bill, seen: null };
    const waits: number[] = [];
    for (let now = START, i = 0; i < 4; i++) {
      bill = looked(bill, 0, now);
      expect(nextStep(bill, bill.dueAt, CAN)).toMatchObject({ call: 'look' });
      waits.push(bill.dueAt - now);
      now = bill.dueAt;
    }
    bill = looked(bill, 300, bill.dueAt);

    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(nextStep(bill, bill.dueAt, CAN)).toMatchObject({
      call: 'refund',
      refund: { id: 'c2', amount: 200, returnedBefore: 300 },
    });
  });

  test('is asked first where a refund is wanted later', () => {
    const quiet = looked(given, 0, at(HOUR_MS));
    const bill = must(
      wantRefund(quiet, { id: 'c2', amount: 200 as Minor }, quiet.dueAt),
      'a refund',
    );

    expect(quiet.dueAt).toBe(at(2 * HOUR_MS));
    expect(nextStep(bill, quiet.dueAt, CAN)).toMatchObject({ call: 'look' });
  });
});

test('what came after a cancel and was given back in part by hand meanwhile is seen to at once, not in an hour', () => {
  const cancelled = wantCancel({ ...open, seen: null }, START);
  const seen = must(paid.seen, 'a sighting');
  const look = must(nextStep(cancelled, START, CAN), 'a look');
  if (look.call !== 'look') throw new Error(look.call);
  const come = finish(cancelled, look, { outcome: 'done', value: seen }, at(1_000));
  const refund = must(nextStep(come, at(1_000), CAN), 'a refund');
  if (refund.call !== 'refund') throw new Error(refund.call);

  const moved: NotDone = {
    outcome: 'notDone',
    code: 'moved',
    detail: '671 have been given back',
    again: { afterMs: 0 },
  };
  const bill = finish(begin(come, refund, at(1_000)), refund, moved, at(1_100));

  expect(visitAt(bill, at(1_100), CAN)).toBe(at(1_100));
  expect(wakeAtOf(bill, at(1_100), CAN)).toBeLessThan(at(60_000));
  const byHand = { ...seen, returned: 671 as Minor };
  const again = must(nextStep(bill, at(1_100), CAN), 'a look');
  if (again.call !== 'look') throw new Error(again.call);
  const known = finish(bill, again, { outcome: 'done', value: byHand }, at(1_200));
  expect(nextStep(known, at(1_200), CAN)).toMatchObject({
    call: 'refund',
    refund: { amount: 329 },
  });
  expect(known.external).toBe(671);
});
