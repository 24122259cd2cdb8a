import { Type } from '@sinclair/typebox';
import { describe, expect, test } from 'vitest';
import { makeBillId, type ShardId } from '../../domain/ids.ts';
import { millis } from '../../domain/time.ts';
import type {
  OwnQrDriver,
  QrDriver,
  QrDriverModule,
  QrSurroundings,
} from '../contract/qr-driver.ts';
import { driver as emvco } from '../qr/emvco.ts';
import { runChecks } from './run-checks.ts';

/** The driver of EMVCo codes with one thing wrong in it. */
type Change = (driver: OwnQrDriver, surroundings: QrSurroundings) => Partial<QrDriver>;

const elsewhere = makeBillId(millis(1_767_225_600_000), 1 as ShardId, Buffer.alloc(13, 9));
let lives = 0;

const planted: readonly [string, string, Change][] = [
  [
    'trusts a checksum alone',
    'one character has been changed',
    (driver) => ({
      read: (text) => {
        const billId = /0126(.{26})/.exec(text)?.[1];
        return billId === undefined ? driver.read(text) : { billId: billId as typeof elsewhere };
      },
    }),
  ],
  [
    'has one key for every switch',
    'another switch',
    (_driver, { clock }) => emvco.make({}, { clock, tag: (_text, length) => '7'.repeat(length) }),
  ],
  [
    'takes whatever begins as its codes do for one of them',
    'other people’s codes',
    (driver) => ({
      read: (text) => {
        const reading = driver.read(text);
        return reading === 'foreign' && text.startsWith('000201') ? 'tampered' : reading;
      },
    }),
  ],
  [
    'does not read its texts to their end',
    'has a code of its in it',
    (driver) => ({
      read: (text) => driver.read(/^000201.*6304[0-9A-F]{4}/.exec(text)?.[0] ?? text),
    }),
  ],
  [
    'finds its texts in others',
    'has a code of its in it',
    (driver) => ({ read: (text) => driver.read(text.slice(text.indexOf('000201'))) }),
  ],
  [
    'throws at what it cannot read',
    'throws nothing',
    (driver) => ({
      read: (text) => {
        if (text === '') throw new Error('not a code');
        return driver.read(text);
      },
    }),
  ],
  [
    'draws a number into each text',
    'the same text',
    (driver) => {
      lives += 1;
      const life = `life-${lives}` as never;
      return { issue: (claim) => driver.issue({ ...claim, orderId: life }) };
    },
  ],
  [
    'reads another bill than it was issued for',
    'reads it in another of its lives',
    (driver) => ({ issue: (claim) => driver.issue({ ...claim, billId: elsewhere }) }),
  ],
  [
    'makes codes of what its capabilities leave out',
    'leave out',
    (driver) => ({ capabilities: { ...driver.capabilities, currencies: ['RUB'] } }),
  ],
  [
    'says that its texts are shorter than they are',
    'as they say',
    (driver) => ({ capabilities: { ...driver.capabilities, lengthMax: 100 } }),
  ],
  [
    'rejects where it should answer',
    'as they say',
    (driver) => ({ read: () => Promise.reject(new Error('gone')), close: driver.close }),
  ],
  [
    'mixes up claims that are made at once',
    'keeps claims apart',
    (driver) => {
      let current: Parameters<typeof driver.issue>[0];
      return {
        issue: async (claim) => {
          current = claim;
          await new Promise((go) => setImmediate(go));
          return driver.issue(current);
        },
      };
    },
  ],
  [
    'needs what no directory says',
    'as they say',
    (driver) => ({ capabilities: { ...driver.capabilities, needs: ['inn' as 'country'] } }),
  ],
  [
    'says why at length',
    'says no, and why',
    (driver) => ({
      issue: (claim) => {
        const issue = driver.issue(claim);
        return 'unfit' in issue ? { unfit: 'x'.repeat(900) } : issue;
      },
    }),
  ],
  [
    'has texts that nobody scans',
    'as they say',
    (driver) => ({ capabilities: { ...driver.capabilities, lengthMax: 5_000 } }),
  ],
];

describe('a driver of a format', () => {
  test.each(planted)('fails the conformance kit when it %s', async (_what, where, change) => {
    const flawed: QrDriverModule = {
      ...emvco,
      make: (settings, surroundings) => {
        const driver = emvco.make(settings, surroundings);
        return { ...driver, ...change(driver, surroundings) };
      },
    };
    const [first] = await flawsOf(flawed);

    expect(first?.name).toContain(where);
  });

  test('fails the conformance kit when it takes any settings', async () => {
    const [first] = await flawsOf({ ...emvco, settings: Type.Object({}) });

    expect(first?.name).toContain('refuses settings');
  });

  test('is tried with the settings that its package has for it', async () => {
    const named = (name: string) => {
      const settings = Type.Object({ of: Type.Literal(name) }, { additionalProperties: false });
      return { ...emvco, name, settings };
    };
    const checked = await runChecks({
      exported: { driver: [named('one'), named('other')] },
      testSettings: (name) => ({ of: name }),
    });

    expect(checked.filter(({ flaw }) => flaw !== undefined)).toEqual([]);
    expect(checked.at(-1)?.name).toMatch(/^qr other takes no text/);
  });

  test('passes it unchanged', async () => {
    expect(await flawsOf(emvco)).toEqual([]);
  });
});

async function flawsOf(module: QrDriverModule) {
  const checked = await runChecks({ exported: { driver: module }, testSettings: {} });
  return checked.filter(({ flaw }) => flaw !== undefined);
}
