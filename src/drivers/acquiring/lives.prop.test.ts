import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AcquiredLife, type Happening } from '../../../tests/support/acquired-life.ts';
import { type BankWorld, sberWorld, tbankWorld } from '../../../tests/support/bank-worlds.ts';

type Settings = Readonly<Record<string, unknown>>;

interface Kind {
  readonly name: string;
  readonly open: (simulator: Settings) => Promise<BankWorld>;
  /** The bank’s code for a refund that it refuses for now. */
  readonly refusal: string;
  /** The refund’s first. */
  readonly paths: readonly string[];
  readonly simulators: readonly Settings[];
}

const tbank: Kind = {
  name: 'T-Bank',
  open: (simulator) => tbankWorld({ simulator }),
  refusal: '3028',
  paths: ['/Cancel', '/Init', '/GetQr', '/GetState', '/CheckOrder'],
  simulators: [
    {},
    { orderIdUnique: false },
    { refundDelayMs: 20_000 },
    { refundDelayMs: 20_000, refundShowsAtOnce: true },
    { formShownCancels: false, qrShowsForm: false },
  ],
};

const sber: Kind = {
  name: 'Sber',
  open: ({ code, ...simulator }) => sberWorld({ simulator, driver: { code: code ?? 'sbp' } }),
  refusal: '010000',
  paths: ['/cancel', '/creation', '/status', '/revocation', '/oauth'],
  simulators: [
    {},
    { code: 'own' },
    { repeatedOrderNumber: 'second' },
    { repeatedOrderNumber: 'same', sbpConfirmMs: 20_000 },
    { sbpRefundConfirmMs: 20_000 },
  ],
};

/** Most of what can go wrong goes wrong once it is paid; worst is a refund that arrives late. */
function startsOf(refundPath: string): readonly (readonly Happening[])[] {
  const registered: Happening[] = [{ do: 'steps', count: 1 }];
  const paid: Happening[] = [
    ...registered,
    { do: 'pay' },
    { do: 'pass', ms: 60_000 },
    { do: 'steps', count: 1 },
  ];
  const fault = { kind: 'lost', effect: 'late', path: refundPath, delayMs: 30_000 } as const;
  return [
    registered,
    [...registered, { do: 'cancel' }],
    paid,
    [...paid, { do: 'fault', fault }, { do: 'refund', amount: 50_00 }, { do: 'steps', count: 1 }],
  ];
}

function happening(paths: readonly string[]): fc.Arbitrary<Happening> {
  const fault = fc.record({
    kind: fc.constantFrom('lost' as const, 'status' as const),
    effect: fc.constantFrom('none' as const, 'now' as const, 'late' as const),
    count: fc.integer({ min: 1, max: 3 }),
    path: fc.constantFrom(...paths),
    delayMs: fc.integer({ min: 0, max: 59_000 }),
    status: fc.constantFrom(500, 502, 503),
  });
  // Small worlds, so that sums collide.
  const amount = fc.constantFrom(50_00, 100_00, 150_00);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('steps' as const),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.integer({ min: 1, max: 70_000 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('pay' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('failToPay' as const, 'wake' as const) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('refund' as const), amount }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('byHand' as const), amount }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('refuse' as const),
        count: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('fault' as const), fault }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('crash' as const),
        afterKeeps: fc.integer({ min: 0, max: 3 }),
        isKept: fc.boolean(),
      }),
    },
  );
}

describe.each([tbank, sber])('a bill at $name', (kind) => {
  test('is paid once, given back once and told right, whatever is lost and whenever a life ends', async () => {
    const reached = { paid: 0, crashed: 0, returned: 0, byHand: 0, cancelled: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...kind.simulators),
        fc.array(happening(kind.paths), { minLength: 6, maxLength: 24 }),
        fc.constantFrom(...startsOf(kind.paths[0] ?? '')),
        async (simulator, happenings, start) => {
          const world = await kind.open(simulator);
          try {
            const life = new AcquiredLife(world, kind.refusal);
            await life.play([...start, ...happenings]);
            expect(life.flaws()).toEqual([]);
            for (const ending of endingsOf(life)) reached[ending] += 1;
          } finally {
            await world.close();
          }
        },
      ),
      { numRuns: 32, seed: 20_261 },
    );
    // A property that never arrives proves nothing.
    for (const [what, count] of Object.entries(reached)) expect(count, what).toBeGreaterThan(1);
  });
});

function endingsOf({
  bill,
  lives,
}: AcquiredLife): ('paid' | 'crashed' | 'returned' | 'byHand' | 'cancelled')[] {
  return [
    ...(bill.status === 'paid' ? (['paid'] as const) : []),
    ...(bill.status === 'cancelled' ? (['cancelled'] as const) : []),
    ...(lives > 1 ? (['crashed'] as const) : []),
    ...(bill.refunds.some(({ status }) => status === 'done') ? (['returned'] as const) : []),
    ...(bill.external > 0 ? (['byHand'] as const) : []),
  ];
}
