import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Outcome, qrswitch } from '../../tests/support/command-line.ts';

const TARIFF = {
  currency: 'EUR',
  timeZone: 'Europe/Berlin',
  versions: [
    {
      effectiveFrom: '2026-01-01T00:00:00Z',
      graceSeconds: 90,
      quoteSeconds: 300,
      rules: [{ name: 'Any time', phases: [{ amount: 150, perMinutes: 60 }] }],
      caps: [{ max: 400, perMinutes: 1_440 }],
    },
  ],
};

describe('qrswitch tariff explain', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qrswitch-tariff-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function explain(tariff: unknown, ...options: string[]): Promise<Outcome> {
    const file = join(folder, 'tariff.json');
    writeFileSync(file, typeof tariff === 'string' ? tariff : JSON.stringify(tariff));
    return qrswitch('tariff', 'explain', file, ...options);
  }

  /** The failure without the folder's name. */
  async function failure(tariff: unknown, ...options: string[]): Promise<string> {
    const { code, stdout, stderr } = await explain(tariff, ...options);
    expect([code, stdout]).toEqual([1, '']);
    return stderr.replaceAll(`${folder}/`, '');
  }

  const stay = (from: string, to: string): string[] => ['--from', from, '--to', to];

  test('shows the seconds of a stay that has some, and the offset where the clock changes', async () => {
    const { stdout } = await explain(
      TARIFF,
      ...stay('2026-10-25T00:30:05Z', '2026-10-25T02:00:00.500Z'),
    );

    expect(stdout.split('\n')).toEqual([
      '1 h 29 min 55.5 s from Sun 2026-10-25 02:30:05 +02:00 to Sun 2026-10-25 03:00:00.500 +01:00',
      'by the version of Thu 2026-01-01 01:00 +01:00, time zone Europe/Berlin',
      '',
      'from                            to                                  rule      price             units    amount',
      '──────────────────────────────  ──────────────────────────────────  ────────  ────────────────  ─────  ────────',
      'Sun 2026-10-25 02:30:05 +02:00  Sun 2026-10-25 03:00:00.500 +01:00  Any time  1.50 EUR per 1 h      2  3.00 EUR',
      '                                                                                                total  3.00 EUR',
      '',
      'The price is good to Sun 2026-10-25 03:30:05 +01:00; then it is 4.00 EUR.',
      'An amount that was told is good for 5 min; who has paid may take 1 min 30 s to leave.',
      '',
    ]);
  });

  test('as JSON has every time and amount as the API writes them', async () => {
    const { stdout } = await explain(
      TARIFF,
      ...stay('2026-05-04T10:00:00Z', '2026-05-04T13:00:00Z'),
      '--json',
    );

    expect(JSON.parse(stdout)).toEqual({
      currency: 'EUR',
      timeZone: 'Europe/Berlin',
      effectiveFrom: '2026-01-01T00:00:00.000Z',
      graceSeconds: 90,
      quoteSeconds: 300,
      from: '2026-05-04T10:00:00.000Z',
      to: '2026-05-04T13:00:00.000Z',
      amount: 400,
      nextChangeAt: '2026-05-05T10:00:00.001Z',
      breakdown: [
        {
          from: '2026-05-04T10:00:00.000Z',
          to: '2026-05-04T13:00:00.000Z',
          rule: 'Any time',
          phase: { amount: 150, perMinutes: 60, forMinutes: null },
          units: 3,
          amount: 400,
          cap: { max: 400, perMinutes: 1_440 },
        },
      ],
    });
  });

  test('draws a stay of any length, even of none', async () => {
    for (const to of ['2026-05-04T10:00:00Z', '2026-05-04T10:00:00.001Z', '2027-05-05T10:00:00Z']) {
      const { code, stdout } = await explain(TARIFF, ...stay('2026-05-04T10:00:00Z', to), '--plot');
      const lines = stdout.split('\n\n').at(-1)?.split('\n') ?? [];

      expect(code).toBe(0);
      expect(lines.filter((line) => /^ +└[─┬]+$/.test(line))).toHaveLength(1);
      expect(lines.filter((line) => line.length > 80)).toEqual([]);
    }
  });

  test('names what is wrong with the tariff', async () => {
    const wrong = { ...TARIFF, timeZone: 'Europe/Nowhere', owner: 'me' };

    expect(await failure(wrong, ...stay('2026-05-04T10:00:00Z', '2026-05-04T13:00:00Z'))).toBe(
      'qrswitch: tariff.json is not a tariff that can be charged by:\n' +
        '  owner is not a field of this tariff\n',
    );
  });

  test('says that the file is no JSON', async () => {
    expect(await failure('{', ...stay('2026-05-04T10:00:00Z', '2026-05-04T13:00:00Z'))).toMatch(
      /^qrswitch: tariff\.json is not JSON at line 1, column 2$/m,
    );
  });

  test('says that there is no file', async () => {
    const { code, stderr } = await qrswitch(
      ...['tariff', 'explain', join(folder, 'none.json')],
      ...stay('2026-05-04T10:00:00Z', '2026-05-04T13:00:00Z'),
    );

    expect(code).toBe(1);
    expect(stderr).toMatch(/none\.json cannot be read: ENOENT/);
  });

  test.each([
    [
      ['2025-12-31T23:59:59Z', '2026-05-04T13:00:00Z'],
      'the stay starts before the tariff is in force: 2026-01-01T00:00:00.000Z',
    ],
    [['2026-05-04T10:00:00Z', '2026-05-04T09:59:59Z'], 'the stay ends before it starts'],
    [
      ['2026-05-04T10:00:00Z', '2027-05-05T10:00:01Z'],
      'a stay has a price for 366 days: to 2027-05-05T10:00:00.000Z',
    ],
  ] as const)('refuses the stay from %s', async ([from, to], reason) => {
    expect(await failure(TARIFF, ...stay(from, to))).toBe(`qrswitch: ${reason}\n`);
  });

  test('refuses what is no time, and tells how it is used', async () => {
    const { code, stderr } = await explain(TARIFF, ...stay('yesterday', '2026-05-04T13:00:00Z'));

    expect(code).toBe(2);
    expect(stderr).toMatch(/'yesterday' is invalid[\s\S]*Usage: qrswitch tariff explain/);
  });
});
