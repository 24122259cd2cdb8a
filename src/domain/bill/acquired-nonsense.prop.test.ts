// Answers of the right shape that make no sense: a driver may say whatever it likes, and the bill goes on.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AcquiredWorld } from '../../../tests/support/acquired-world.ts';
import { cancel, confirm, money, ref, refund } from '../../../tests/support/bill-spec.ts';
import type { NotDone, Outcome, Sighting, Unknown } from '../acquiring/words.ts';
import { acquiringOf, lookAt } from './acquired.ts';
import { isRejection } from './vocabulary.ts';

const WAYS = { closesByItself: true, partialRefund: true, cancelGivesBack: false };

const sum = fc.constantFrom(0, 1, 300, 700, 1_000, 1_500, 1e12).map(money);
const sighting: fc.Arbitrary<Sighting> = fc.record({
  status: fc.constantFrom(
    ...(['open', 'paying', 'paid', 'paid', 'paid', 'cancelled', 'expired', 'failed'] as const),
  ),
  paid: sum,
  returned: sum,
  isReturning: fc.boolean(),
  reference: fc.constant(null),
  payer: fc.constant(null),
});
const afterMs = fc.constantFrom(0, 5_000, Number.MAX_SAFE_INTEGER);
const outcome: fc.Arbitrary<Outcome<Sighting>> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ outcome: fc.constant('done' as const), value: sighting }) },
  fc.record({
    outcome: fc.constant('notDone' as const),
    code: fc.constantFrom<NotDone['code']>(
      'unreachable',
      'busy',
      'paid',
      'closed',
      'moved',
      'refused',
    ),
    detail: fc.constant('no'),
    again: fc.oneof(fc.constantFrom('never' as const, 'anew' as const), fc.record({ afterMs })),
  }),
  fc.record({
    outcome: fc.constant('unknown' as const),
    detail: fc.constant('no answer'),
    afterMs,
  }) as fc.Arbitrary<Unknown>,
);

type Act = 'confirm' | 'less' | 'cancel' | 'refund' | 'pass' | Outcome<Sighting>;
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: outcome },
    fc.constantFrom(...(['confirm', 'less', 'cancel', 'refund', 'pass'] as const)),
  ),
  { maxLength: 14 },
);

/** An open bill, whose next call is answered so. */
function answered(world: AcquiredWorld, said: Outcome<Sighting>): void {
  const begun = world.command({ type: 'BeginAcquiring', acquirer: 'bank' });
  if (isRejection(begun)) return;
  const fact = begun.find(({ type }) => type === 'AcquiringBegun');
  const step = fact?.type === 'AcquiringBegun' ? fact.step : lookAt(world.present, world.now);
  if (step === undefined || step.call === 'register') return;
  const { no } = acquiringOf(world.present);
  world.command({ type: 'FinishAcquiring', acquirer: 'bank', no, step, outcome: said });
}

function act(world: AcquiredWorld, each: Act, no: number): void {
  if (typeof each === 'object') answered(world, each);
  else if (each === 'pass') world.pass(400_000);
  else if (each === 'cancel') world.command(cancel());
  else if (each === 'refund') world.command(refund(300, { key: ref(`k${no}`) }));
  else world.command(confirm(each === 'less' ? 300 : null));
}

describe('a bill at an acquirer whose driver talks nonsense', () => {
  test('goes on, whatever it says and whatever is wanted of it', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.boolean(), acts, (closesByItself, plan) => {
        const world = new AcquiredWorld({ ...WAYS, closesByItself });
        world.visit('not');
        for (const [no, each] of plan.entries()) act(world, each, no);
        reached.add(world.present.status);
      }),
      { numRuns: 1_500, seed: 3 },
    );
    expect([...reached].sort()).toEqual([
      'cancelled',
      'confirmed',
      'expired',
      'failed',
      'open',
      'paid',
      'partiallyPaid',
      'refunded',
    ]);
  });

  const seen = (paid: number, returned: number): Outcome<Sighting> => ({
    outcome: 'done',
    value: {
      status: 'paid',
      paid: money(paid),
      returned: money(returned),
      isReturning: false,
      reference: null,
      payer: null,
    },
  });

  test.each([
    ['nothing was paid', 0, 0],
    ['more went back than came', 1_000, 1_001],
  ])('is not paid where it says that %s', (_what, paid, returned) => {
    const world = new AcquiredWorld(WAYS);
    world.visit('not');
    answered(world, seen(paid, returned));
    expect(world.present.status).toBe('open');
    answered(world, seen(1_000, 0));

    expect(world.present.status).toBe('paid');
  });

  test('is cancelled where more than it asks for was paid, and all of that given back', () => {
    const world = new AcquiredWorld(WAYS);
    world.visit('not');
    answered(world, seen(1_500, 1_500));

    const { status, books, credits } = world.present;
    expect(status).toBe('cancelled');
    expect(books).toMatchObject({ paid: 1_500, reversed: 1_500, excess: 500 });
    expect(credits).toMatchObject([{ amount: 1_500, status: 'settled', origin: 'external' }]);
  });

  test('gives all back where more than it asked for was paid after its end', () => {
    const world = new AcquiredWorld(WAYS);
    world.visit('not');
    world.command(cancel());
    answered(world, seen(1_500, 0));

    const { status, books, credits } = world.present;
    expect(status).toBe('cancelled');
    expect(books).toMatchObject({ paid: 1_500, reversed: 1_500, excess: 500 });
    expect(credits).toMatchObject([{ amount: 1_500, status: 'pending', reason: 'late' }]);
  });
});
