// A bank's answers and a driver's words hold what no store takes; what comes of a call can be kept all the same.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Step } from '../../domain/acquiring/acquired-bill.ts';
import { millis } from '../../domain/time.ts';
import { callOf } from '../acquiring/drive.ts';
import type { BillDriver } from './bill-driver.ts';
import { asLine, isKeepable } from './kept-texts.ts';

const character = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', '7', 'ж', '😀', '\n') },
  { weight: 1, arbitrary: fc.constantFrom('\0', '\ud83d', '\ude00') },
);
const words = fc.oneof(
  { weight: 9, arbitrary: fc.string({ unit: character, maxLength: 12 }) },
  fc.string({ unit: character, minLength: 480, maxLength: 520 }),
);
const plain = fc.string({ unit: fc.constantFrom('a', '7', 'ж', '😀'), maxLength: 12 });
const text = fc.oneof({ weight: 4, arbitrary: plain }, words);
const notDone = fc.record({
  outcome: fc.constant('notDone'),
  code: fc.constant('refused'),
  detail: words,
  again: fc.constant('never'),
});
const unknown = fc.record({
  outcome: fc.constant('unknown'),
  detail: words,
  afterMs: fc.constant(7),
});
const done = (value: fc.Arbitrary<object>) =>
  fc.record({ outcome: fc.constant('done'), value }) as fc.Arbitrary<object>;
const sighting = fc.record({
  status: fc.constant('paid'),
  paid: fc.constant(100),
  returned: fc.constant(0),
  isReturning: fc.constant(false),
  reference: fc.option(words),
  payer: fc.option(words),
});
const registration = fc.record({
  id: fc.constantFrom('a-1', 'a-1', 'a-1', 'a\0', 'a b', ''),
  amount: fc.constant(100),
  currency: fc.constant('RUB'),
  ref: text,
  payload: text,
  notes: fc.dictionary(text, text, { maxKeys: 2 }),
});

const NOTHING = { paid: 0, returned: 0, isReturning: false, reference: null, payer: null };

const answers = {
  register: fc.oneof(notDone, unknown, { weight: 3, arbitrary: done(registration) }),
  look: fc.oneof(notDone, unknown, done(sighting)),
  cancel: fc.oneof(notDone, unknown, done(sighting)),
  refund: fc.oneof(notDone, unknown, done(sighting)),
};
const answered = fc.oneof(
  ...Object.entries(answers).map(([call, answer]) =>
    fc.record({ call: fc.constant(call as Step['call']), answer }),
  ),
);

/** All texts in it, names of members too. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...Object.keys(value), ...Object.values(value).flatMap(textsIn)];
}

/** As UTF-8 gives it back, and as Postgres takes it. */
function isStorable(said: string): boolean {
  return Buffer.from(said, 'utf8').toString('utf8') === said && !said.includes('\0');
}

/** What comes of the call where the driver answers so. */
function callAnswered(call: Step['call'], answer: object): Promise<object> {
  const driver = { [call]: async () => answer } as unknown as BillDriver;
  // What is registered is what was asked for.
  const { value: tender } = answer as { value?: object };
  const step = { call, tender, attempt: { lastSentAt: null } } as unknown as Step;
  const believing = { otherOf: async () => null, doubted: () => undefined };
  return callOf(driver, step, millis(0), believing);
}

describe('what comes of a call to an acquirer', () => {
  test('can be kept, whatever was said', async () => {
    await fc.assert(
      fc.asyncProperty(answered, async ({ call, answer }) => {
        const outcome = (await callAnswered(call, answer)) as { detail?: string };

        expect(textsIn(outcome).filter((said) => !isStorable(said))).toEqual([]);
        expect(outcome.detail?.length ?? 0).toBeLessThanOrEqual(500);
      }),
      { numRuns: 1_000, seed: 3 },
    );
  });

  test('is what was said, where that can be kept', async () => {
    await fc.assert(
      fc.asyncProperty(answered, async ({ call, answer }) => {
        const texts = textsIn(answer);
        fc.pre(texts.every((said) => isStorable(said) && said.length <= 500));
        const { value } = answer as { value?: { id?: string } };
        fc.pre(value?.id === undefined || value.id === 'a-1');

        expect(await callAnswered(call, answer)).toEqual(answer);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  test.each<[Step['call'], object]>([
    ['register', { id: 'a-1', amount: 1, currency: 'RUB', ref: 'r', payload: 'p', notes: {} }],
    ['look', { ...NOTHING, status: 'open' }],
  ])(
    'is of %s no more than the contract names, whatever else its driver says',
    async (call, value) => {
      const more: Record<string, unknown> = { at: 1n, 'a\0': new Map([['b', '\ud83d']]) };
      more.itself = more;
      const notDone = { outcome: 'notDone', code: 'refused', detail: 'no', again: { afterMs: 7 } };
      const unknown = { outcome: 'unknown', detail: '429', afterMs: 7, unsent: 'busy' };
      for (const answer of [{ outcome: 'done', value }, notDone, unknown]) {
        const said = { ...answer, ...more };
        if ('value' in answer) Object.assign(said, { value: { ...value, ...more } });

        expect(await callAnswered(call, said)).toEqual(answer);
      }
    },
  );

  test('is not known where the acquirer’s name of the bill cannot be kept letter for letter', async () => {
    const value = { id: 'a-1', amount: 1, currency: 'RUB', ref: 'r\0', payload: 'p', notes: {} };

    expect(await callAnswered('register', { outcome: 'done', value })).toMatchObject({
      outcome: 'unknown',
      afterMs: 60_000,
    });
  });
});

test('what a driver has thrown is one short line that can be kept', () => {
  const thrown = fc.oneof(words, fc.string({ unit: character, minLength: 190, maxLength: 210 }));
  fc.assert(
    fc.property(thrown, (text) => {
      const line = asLine(text);
      expect(isKeepable(line)).toBe(true);
      expect(line).not.toMatch(/\p{Cc}/u);
      expect(line.length).toBeLessThanOrEqual(200);
    }),
  );
});
