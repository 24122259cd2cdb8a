import { describe, expect, test } from 'vitest';
import { makeTerms } from '../../../tests/support/bill-fixtures.ts';
import type { BillFact } from '../../domain/bill/vocabulary.ts';
import type { BillId, Reference, TerminalId } from '../../domain/ids.ts';
import type { Minor } from '../../domain/money.ts';
import { millis, TIME_MAX } from '../../domain/time.ts';
import type { EntryContent } from '../../switch/records.ts';
import { UnreadableEntry } from '../../switch/records.ts';
import { ENTRY_VERSION, makeEntryCodec } from './entry-codec.ts';

const billId = '06D9K3Q1ZR0072M4N6P8Q0R2S4' as BillId;

function batchOf(command: string, fact: BillFact): EntryContent {
  const actor = 'terminal:t1';
  const stamp = { at: TIME_MAX, command, actor, requestId: 'r1' };
  return { kind: 'batch', transitions: [{ kind: 'bill', billId, ...stamp, facts: [fact] }] };
}

function confirmed(amount: number, receipt: string): EntryContent {
  const cause = 'terminal';
  const books = { amount: amount as Minor, cause, receipt: JSON.parse(receipt) } as const;
  return batchOf('ConfirmBill', { type: 'BillConfirmed', ...books });
}

describe('the entry codec', () => {
  test('begins each entry with its version', () => {
    const payload = makeEntryCodec().encode({ kind: 'batch', transitions: [] });
    expect(payload[0]).toBe(ENTRY_VERSION);
  });

  test('keeps numbers beyond 32 bits exact, and numbers', () => {
    const codec = makeEntryCodec();
    for (const amount of [
      0,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32,
      2 ** 32 + 1,
      10 ** 12,
      9e15 - 1,
      Number.MAX_SAFE_INTEGER,
    ]) {
      const content = confirmed(amount, 'null');
      expect(codec.decode(codec.encode(content))).toStrictEqual(content);
    }
  });

  test('keeps what a bill’s code says, and the next bill’s terms as they are', () => {
    const codec = makeEntryCodec();
    for (const given of [{ qrFormat: 'emvco', qrPayload: '0002 最佳' }, {}] as const) {
      const content = batchOf('CreateBill', { type: 'BillCreated', terms: makeTerms(given) });
      expect(codec.decode(codec.encode(content))).toStrictEqual(content);
      expect(makeEntryCodec().decode(codec.encode(content))).toStrictEqual(content);
    }
  });

  test('keeps a receipt whatever its keys are called', () => {
    const codec = makeEntryCodec();
    const receipt = '{"__proto__":{"a":1},"constructor":null,"":[{"no 1":0.5},[]],"toString":"x"}';
    const decoded = codec.decode(codec.encode(confirmed(1, receipt)));
    const [transition] = decoded.kind === 'batch' ? decoded.transitions : [];
    const [fact] = transition?.kind === 'bill' ? transition.facts : [];
    expect(JSON.stringify(fact?.type === 'BillConfirmed' ? fact.receipt : null)).toBe(receipt);
  });

  test('writes null where our own code left something undefined', () => {
    const codec = makeEntryCodec();
    const content = {
      kind: 'batch',
      transitions: [
        {
          kind: 'orderVoided',
          terminalId: 't1' as TerminalId,
          orderId: 'o1' as Reference,
          at: millis(1),
          actor: undefined,
          requestId: 'r1',
        },
      ],
    } as unknown as EntryContent;
    const decoded = codec.decode(codec.encode(content));
    expect(decoded).toMatchObject({ transitions: [{ actor: null }] });
  });

  test('refuses an entry of a newer version, naming both', () => {
    const codec = makeEntryCodec();
    const payload = Buffer.from(codec.encode({ kind: 'batch', transitions: [] }));
    payload[0] = ENTRY_VERSION + 41;
    expect(() => codec.decode(payload)).toThrow(
      new UnreadableEntry(
        `an entry of version ${ENTRY_VERSION + 41}; this switch reads versions up to ${ENTRY_VERSION}`,
      ),
    );
  });

  test('refuses what is no entry', () => {
    const codec = makeEntryCodec();
    const whole = codec.encode(confirmed(1, '{"a":1}'));
    for (const payload of [
      Buffer.alloc(0),
      Buffer.from([ENTRY_VERSION]),
      whole.subarray(0, whole.length - 3),
      Buffer.concat([whole, Buffer.from([1])]),
      Buffer.from([ENTRY_VERSION, 0xc0]),
      Buffer.from([ENTRY_VERSION, 0x81, 0xa4, ...Buffer.from('kind'), 0xa1, 0x78]),
    ]) {
      expect(() => codec.decode(payload)).toThrow(UnreadableEntry);
    }
    // A codec that has met a bad entry reads the next good one.
    expect(codec.decode(whole)).toStrictEqual(confirmed(1, '{"a":1}'));
  });

  test('believes no entry of which a bit has changed', () => {
    const codec = makeEntryCodec();
    const whole = codec.encode(confirmed(1, '{"a":1}'));
    for (let bit = 8; bit < whole.length * 8; bit++) {
      const damaged = Buffer.from(whole);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => codec.decode(damaged)).toThrow(`a damaged entry of version ${ENTRY_VERSION}`);
    }
  });
});
