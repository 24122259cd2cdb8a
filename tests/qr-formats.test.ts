// The page for integrators shows codes: they are what the drivers issue, and what their formats' rules take.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { QrFormat, Terms } from '../src/domain/bill/vocabulary.ts';
import type { BillId, TerminalId } from '../src/domain/ids.ts';
import { isProblemCode } from '../src/protocols/problems.ts';
import { claimOf, codesAt } from './support/qr-claims.ts';

const page = readFileSync('docs/qr-formats.md', 'utf8');
const examples = Array.from(page.matchAll(/```text\n(.*)\n```/g), (match) => match[1] ?? '');

describe('docs/qr-formats.md', () => {
  const codes = codesAt('https://pay.example');
  const billId = '01KE70EHG0007Q2M4N6P8Q0R2S' as BillId;
  const claim = claimOf(
    {
      billId,
      amount: 125_000,
      currency: 'RUB',
      merchant: { name: 'Кофейня на углу', city: 'Москва' },
      terminalId: 'ter_0a1b2c3d4e5f' as TerminalId,
    },
    { country: 'RU' },
  );

  test.each([
    ['url', 0],
    ['emvco', 1],
    ['sbp', 2],
  ] as const)('shows what is issued as %s', (format: QrFormat, place) => {
    const issued = codes.issue(format, claim);
    const text = codes.payloadOf({ ...issued, id: billId } as Terms);
    expect(examples[place]).toBe(text);
    expect(codes.read(text)).toEqual({ billId });
  });

  test('names problems that there are', () => {
    const named = Array.from(page.matchAll(/`((?:qr|bill)\.[a-zA-Z]+)`/g), (match) => match[1]);
    const codesNamed = named.filter((name) => name !== 'qr.payload');
    expect(codesNamed).toContain('qr.tampered');
    expect(codesNamed.filter((name) => !isProblemCode(name ?? ''))).toEqual([]);
  });
});
