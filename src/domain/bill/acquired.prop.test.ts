// X1 to X3 of acquired.ts for all lives: the bank's books, which know nothing of ours, say what has been paid and given back.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AcquiredWorld, type BankWays, returnedBy } from '../../../tests/support/acquired-world.ts';
import { cancel, confirm, money, ref, refund } from '../../../tests/support/bill-spec.ts';
import { acquiringOf } from './acquired.ts';
import { SEEN_AT_ACQUIRER } from './external-credits.ts';

type Happening =
  | { readonly do: 'visit'; readonly lost: 'not' | 'before' | 'after'; readonly dies: boolean }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'pay' | 'confirm' | 'cancel' | 'late' }
  | { readonly do: 'land'; readonly isGiven: boolean }
  | { readonly do: 'refuse'; readonly what: AcquiredWorld['refuses'] }
  | { readonly do: 'resolve'; readonly how: Parameters<AcquiredWorld['resolve']>[0] }
  | { readonly do: 'less' | 'byHand' | 'refund'; readonly amount: number };

const lost = fc.constantFrom('not' as const, 'not' as const, 'before' as const, 'after' as const);
const amount = fc.constantFrom(300, 500, 1_000);
const happenings = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('visit' as const),
      lost,
      dies: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1_000, 20_000, 400_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pay' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('confirm' as const, 'cancel' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('late' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('land' as const), isGiven: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refuse' as const),
      what: fc.constantFrom('refund', 'refundForNow', null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('resolve' as const),
      how: fc.constantFrom('again', 'cash', 'byHand', 'seenByHand'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('less' as const, 'byHand' as const, 'refund' as const),
      amount,
    }),
  },
) as fc.Arbitrary<Happening>;
const ways: fc.Arbitrary<BankWays> = fc.record({
  closesByItself: fc.boolean(),
  partialRefund: fc.constantFrom(true, true, false),
  cancelGivesBack: fc.boolean(),
  refunds: fc.constantFrom('atOnce', 'atOnce', 'shownLate', 'shownEarly'),
});
/** A life that gets nowhere shows nothing. */
const visit: Happening = { do: 'visit', lost: 'not', dies: false };
const paid: readonly Happening[] = [visit, { do: 'pay' }, visit];
const refunding: readonly Happening[] = [...paid, { do: 'confirm' }, { do: 'refund', amount: 300 }];
const refused: readonly Happening[] = [
  ...paid,
  { do: 'confirm' },
  { do: 'refuse', what: 'refund' },
  { do: 'refund', amount: 300 },
  visit,
  visit,
  { do: 'refuse', what: null },
];
const preludes: readonly (readonly Happening[])[] = [
  [visit],
  paid,
  [visit, { do: 'cancel' }, { do: 'pay' }],
  refunding,
  [...refunding, { do: 'visit', lost: 'after', dies: false }],
  refused,
];

const plans = fc.array(happenings, { minLength: 4, maxLength: 30 });

function live(world: AcquiredWorld, plan: readonly Happening[]): void {
  let keys = 0;
  for (const each of plan) {
    switch (each.do) {
      case 'visit':
        world.visit(each.lost, each.dies);
        break;
      case 'pass':
        world.pass(each.ms);
        break;
      case 'pay':
        world.pay();
        break;
      case 'late':
        world.hearLate();
        break;
      case 'land':
        world.land(each.isGiven);
        break;
      case 'refuse':
        world.refuses = each.what;
        break;
      case 'resolve':
        world.resolve(each.how);
        break;
      case 'byHand':
        world.byHand(each.amount);
        break;
      case 'confirm':
        world.command(confirm());
        break;
      case 'less':
        world.command(confirm(each.amount));
        break;
      case 'cancel':
        world.command(cancel());
        break;
      case 'refund':
        keys += 1;
        world.command(refund(each.amount, { key: ref(`k${keys}`) }));
        break;
    }
  }
}

/** Once all is quiet: the bill against the bank's books, and what an operator says was given back otherwise. */
function expectBalance(world: AcquiredWorld): void {
  const { present: bill, bank, facts, registrations, cash } = world;
  const { asked, byHand, closed, open, unresolved } = returnedBy(bill);
  const { paid, reversed, refunded, unreturned } = bill.books;
  expect(registrations).toBeLessThanOrEqual(1);
  expect(open).toBe(0);
  expect(paid).toBe(acquiringOf(bill).record.status === 'cancelled' ? 0 : bank.paid);
  expect(facts.filter(({ type }) => type === 'PaymentAccepted')).toHaveLength(paid > 0 ? 1 : 0);
  // A refund that was given twice would look as if one had been made by hand.
  expect(byHand).toBeLessThanOrEqual(bank.byHand);
  expect(unreturned).toBe(unresolved.reduce((sum, amount) => sum + amount, 0));
  // What the books say has gone back has left, but for what was taken for a refund of ours whose answer was lost.
  const taken = world.isRefundLost ? asked - (bank.returned - bank.byHand) : 0;
  expect(reversed + refunded - unreturned).toBeLessThanOrEqual(bank.returned + cash + taken);
  const unbooked = paid === 0 ? 0 : bank.returned - asked - byHand;
  expect(unbooked).toBeGreaterThanOrEqual(0);
  // Before the confirm the books have no room for a part.
  if (bill.status === 'paid') return;
  // What an operator has closed may have been given by hand; and what would be enough for a rejected credit resolves it.
  const most = unresolved.length > 0 ? closed + Math.min(...unresolved) - 1 : closed;
  expect(unbooked).toBeLessThanOrEqual(most);
  if (bill.status === 'cancelled' && unreturned === 0) {
    expect(bank.returned + cash).toBeGreaterThanOrEqual(paid);
  }
}

describe('the money of a bill at an acquirer', () => {
  test('is what the bank says, whatever is lost, repeated or given back by hand', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(ways, fc.constantFrom(...preludes), plans, (way, prelude, plan) => {
        const world = new AcquiredWorld(way);
        live(world, [...prelude, ...plan]);
        world.settle();
        world.hearLate();
        expectBalance(world);
        const { status, credits } = world.present;
        reached.add(status);
        for (const { kind, status: end, origin, resolution } of credits) {
          const otherwise = resolution?.how === 'returnedOtherwise' ? resolution.reference : null;
          reached.add(`${kind} ${origin ?? otherwise ?? resolution?.how ?? end}`);
        }
      }),
      { numRuns: 400, seed: 7 },
    );
    const ends = [
      'cancelled',
      'confirmed',
      'expired',
      'refunded',
      'refund external',
      'refund settled',
      'refund rejected',
      'refund requestedAgain',
      'refund cash',
      'refund byHand',
      `refund ${SEEN_AT_ACQUIRER}`,
      'reversal settled',
      `reversal ${SEEN_AT_ACQUIRER}`,
    ];
    expect(ends.filter((end) => !reached.has(end))).toEqual([]);
  });
});

const WAYS: BankWays = { closesByItself: false, partialRefund: true, cancelGivesBack: false };

/** Registered, and paid where it is said. */
function opened(way: Partial<BankWays> = {}, isPaid = false): AcquiredWorld {
  const world = new AcquiredWorld({ ...WAYS, ...way });
  world.visit('not');
  if (isPaid) {
    world.pay();
    world.visit('not');
  }
  return world;
}

describe('a bill at an acquirer', () => {
  test('is pending until it is registered, and tells its terminal when there is a code', () => {
    const world = new AcquiredWorld(WAYS);
    expect(world.present.status).toBe('pending');
    world.visit('not');
    expect(world.present.status).toBe('open');
    expect(world.present.outbox.map(({ type }) => type)).toEqual(['bill.opened']);
  });

  test('fails where the acquirer will not have it', () => {
    const world = new AcquiredWorld(WAYS);
    world.refuses = 'register';
    world.visit('not');
    expect(world.present).toMatchObject({ status: 'failed', ending: { cause: 'acquirer' } });
    expect(acquiringOf(world.present).record.reason).toBe('refused: no');
    expect(world.present.outbox.map(({ type }) => type)).toEqual(['bill.failed']);
  });

  test('has ended where it failed: there is nothing to cancel or confirm any more', () => {
    const world = new AcquiredWorld(WAYS);
    world.refuses = 'register';
    world.visit('not');
    const [unending, unconfirmed] = ['bill.notCancellable', 'bill.notConfirmable'];
    expect(world.command(cancel())).toEqual({ rejected: unending, status: 'failed' });
    expect(world.command(confirm(0))).toEqual({ rejected: unconfirmed, status: 'failed' });
    expect(world.command(confirm(null))).toEqual({ rejected: unconfirmed, status: 'failed' });
  });

  test('is asked about again where the life that registered it is gone, and wakes by itself', () => {
    const world = new AcquiredWorld(WAYS);
    world.visit('not', true);
    expect(acquiringOf(world.present).wakeAt - world.now).toBe(5_000);
    world.visit('not');
    world.pay();
    world.visit('not');
    world.hearLate();
    expect(acquiringOf(world.present).record.status).toBe('paid');
    expect(world.registrations).toBe(1);
  });

  test('gives back what was paid while its cancel was on its way', () => {
    const world = opened();
    world.command(cancel());
    expect(world.present.status).toBe('cancelled');
    world.pay();
    world.settle();
    expect(world.present).toMatchObject({
      status: 'cancelled',
      books: { paid: 1000, reversed: 1000 },
    });
    expect(world.present.credits).toMatchObject([
      { kind: 'reversal', status: 'settled', reason: 'late' },
    ]);
    expect(world.bank.returned).toBe(1000);
  });

  test('gives back what its cancel has begun to give back and did not bring', () => {
    const world = opened({ cancelGivesBack: true, refunds: 'shownEarly' });
    world.visit('not');
    world.command(cancel());
    world.pay();
    world.visit('not');
    expect(world.onItsWay).toHaveLength(1);
    world.land(false);
    world.settle();
    expect(world.present.credits).toMatchObject([{ status: 'settled', reason: 'late' }]);
    expect(world.bank.returned).toBe(1000);
  });

  test('counts what was paid until its end was told, and expires where nothing was', () => {
    const paid = opened();
    paid.pay();
    paid.pass(2_000_000);
    paid.visit('not');
    expect(paid.present.status).toBe('paid');
    const unpaid = opened();
    unpaid.pass(2_000_000);
    unpaid.settle();
    expect(unpaid.present).toMatchObject({ status: 'expired', ending: { cause: 'timeout' } });
    expect(unpaid.bank.status).toBe('ended');
  });

  test('has a refund made by hand as a settled credit that nobody asked for', () => {
    const world = opened({}, true);
    world.command(confirm());
    world.byHand(300);
    world.visit('not');
    expect(world.present.credits).toMatchObject([
      { kind: 'refund', amount: 300, status: 'settled', origin: 'external' },
    ]);
    expect(world.present.books.refunded).toBe(300);
    expect(world.present.outbox.at(-1)).toMatchObject({
      type: 'credit.settled',
      credit: { origin: 'external' },
    });
  });

  test.each(['shownLate', 'shownEarly'] as const)(
    'counts a refund on its way when it has come, and not where it fails, ours or by hand: %s',
    (refunds) => {
      const world = opened({ refunds }, true);
      world.command(confirm());
      world.command(refund(300));
      for (const isGiven of [false, true]) {
        world.pass(60_000);
        for (let i = 0; i < 3; i++) world.visit('not');
        expect(world.present.credits).toMatchObject([{ status: 'pending' }]);
        world.land(isGiven);
      }
      world.settle();
      expect(world.present.credits).toMatchObject([{ status: 'settled' }]);
      for (const isGiven of [false, true]) {
        world.byHand(200);
        world.pass(60_000);
        world.visit('not');
        expect(world.present.credits).toHaveLength(1);
        world.land(isGiven);
        world.pass(60_000);
        world.visit('not');
      }
      expect(world.present.books.refunded).toBe(500);
      expect(world.bank.returned).toBe(500);
    },
  );

  test('ends where all of it was given back by hand before the confirm', () => {
    const world = opened({}, true);
    world.byHand(1_000);
    world.visit('not');
    expect(world.present).toMatchObject({ status: 'cancelled', ending: { cause: 'acquirer' } });
    expect(world.present.credits).toMatchObject([
      { kind: 'reversal', status: 'settled', origin: 'external' },
    ]);
  });

  test('tells of a refund that the acquirer refuses', () => {
    const world = opened({}, true);
    world.command(confirm());
    world.refuses = 'refund';
    world.command(refund(200));
    world.settle();
    expect(world.present.credits).toMatchObject([{ status: 'rejected', reason: 'refused: no' }]);
    expect(world.present.books.unreturned).toBe(200);
    expect(world.present.outbox.at(-1)?.type).toBe('credit.rejected');
  });

  test('refuses a part where the acquirer gives back all or nothing', () => {
    const world = opened({ partialRefund: false }, true);
    expect(world.command(confirm(300))).toEqual({ rejected: 'refund.partForbidden', left: 1_000 });
    world.command(confirm());
    const forbidden = { rejected: 'refund.partForbidden', left: 1_000 };
    expect(world.command(refund(300))).toMatchObject([{ type: 'KeyUsed', rejection: forbidden }]);
    expect(world.command(refund(300))).toEqual(forbidden);
    world.command(refund(money(1_000), { key: ref('k2') }));
    world.settle();
    expect(world.present.status).toBe('refunded');
  });

  test('says no under a key for good, though somebody has given back by hand since', () => {
    const world = opened({ partialRefund: false }, true);
    world.command(confirm());
    const order = refund(300, { key: ref('k1') });
    world.command(order);
    world.byHand(700);
    world.visit('not');
    expect(world.present.books.refunded).toBe(700);
    expect(world.command(order)).toEqual({ rejected: 'refund.partForbidden', left: 1_000 });
    expect(world.command(refund(200, { key: ref('k1') }))).toEqual({
      rejected: 'idempotency.reused',
    });
    world.command(refund(300, { key: ref('k2') }));
    world.settle();
    expect(world.present).toMatchObject({ status: 'refunded', books: { refunded: 1_000 } });
    expect(world.bank.returned).toBe(1_000);
  });

  test('says no to a part under the key of a cancel too', () => {
    const world = opened({ partialRefund: false }, true);
    world.command(confirm());
    const order = cancel({ amount: money(300), key: ref('k1') });
    const forbidden = { rejected: 'refund.partForbidden', left: 1_000 };
    expect(world.command(order)).toMatchObject([{ type: 'KeyUsed', rejection: forbidden }]);
    world.byHand(700);
    world.visit('not');
    expect(world.command(order)).toEqual(forbidden);
  });
});
