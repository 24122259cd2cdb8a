// What the fuzzers found, by name, so that it stays found. Each was red before its cure.

import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../src/config.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { calls } from '../../src/protocols/calls.ts';
import { readFrame } from '../../src/protocols/gateway/frame-reader.ts';
import { hashOfKey } from '../../src/protocols/gateway/principals.ts';
import { readQuery } from '../../src/protocols/gateway/query.ts';
import { readOperation } from '../../src/protocols/operations/read-operation.ts';
import type { Problem } from '../../src/protocols/problem-document.ts';
import type { Principal } from '../../src/switch/principal.ts';
import { type EntryContent, UnreadableEntry } from '../../src/switch/records.ts';
import { keys, makePrincipals } from '../support/fake-door.ts';
import { payers } from '../support/payers.ts';
import { codesAt, NO_FORMATS } from '../support/qr-claims.ts';
import { noTariffs } from '../support/tariffs.ts';
import { jsonFault } from './target.ts';

const billId = '01JB3M0Q2V00AZ4R8XN5T6K9WC';
const terminal = makePrincipals().get(hashOfKey(keys.terminal)) as Principal;
const context = {
  shards: 8,
  codes: codesAt('https://pay.example'),
  acquirers: [],
  hosted: NO_FORMATS,
  payers,
  tariffs: noTariffs,
  wall: () => 0,
};

describe('found', () => {
  test('a receipt with 1e400 was taken, and would have been kept as null', () => {
    const receipt: unknown = JSON.parse('{"total":1e400}');
    expect(readOperation('bill.receipt', { billId, receipt }, terminal, context)).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'receipt.total' }],
    });
  });

  test('a parameter’s name with U+0000 came back in the problem document', () => {
    const call = calls.find(({ id }) => id === 'bill.list');
    if (call === undefined) throw new Error('there is no bill.list');
    const read = readQuery(call, '%00=1') as { problem: Problem };
    expect(read.problem.errors).toEqual([
      { path: '\ufffd', message: 'is not a field of this request' },
    ]);
    expect(jsonFault(JSON.parse(JSON.stringify(read.problem)), 9)).toBeUndefined();
  });

  test('a parameter with U+0000 was asked of Postgres, which refuses it, and answered as if that were away', () => {
    const call = calls.find(({ id }) => id === 'operator.key.list');
    if (call === undefined) throw new Error('there is no operator.key.list');
    const read = readQuery(call, 'holderId=a%00b') as { problem: Problem };
    expect(read.problem).toMatchObject({ code: 'request.invalid', errors: [{ path: 'holderId' }] });
  });

  test('a name of a frame’s field was cut through a surrogate pair', () => {
    const name = `${'x'.repeat(63)}\u{1f600}`;
    const read = readFrame(Buffer.from(JSON.stringify({ op: 'ping', [name]: 1 })), 'json');
    expect('problem' in read && read.problem.errors?.[0]?.path).toBe(`${'x'.repeat(63)}\ufffd`);
  });

  test('a receipt’s key of 60 KB came back whole, as the path of what is wrong', () => {
    const receipt = { ['k'.repeat(60_000)]: 2 ** 60 };
    const problem = readOperation('bill.receipt', { billId, receipt }, terminal, context);
    expect(JSON.stringify(problem).length).toBeLessThan(2_000);
  });

  test('a log entry that redefines a shape changed how the next entry was read', () => {
    const codec = makeEntryCodec();
    const good = { kind: 'open', nonce: 'n', holder: 'h', at: 1, follows: 0 } as unknown;
    const bytes = codec.encode(good as EntryContent);
    // An inline record with the id of that shape: one field, `x`, of value 1.
    const bad = Buffer.of(1, 0xd4, 0x72, 0x43, 0x91, 0xa1, 0x78, 1);
    expect(() => codec.decode(bad)).toThrow(UnreadableEntry);
    expect(codec.decode(bytes)).toEqual(good);
  });

  test('a log entry with a transition of an unknown kind was read as if it were known', () => {
    const codec = makeEntryCodec();
    const content = { kind: 'batch', transitions: [{ kind: 'orderVoidef' }] } as unknown;
    const bytes = codec.encode(content as EntryContent);
    expect(() => codec.decode(bytes)).toThrow(UnreadableEntry);
  });

  test('a password in the wrong variable was told with the fault', () => {
    const env = { PORT: 'redis://:hunter2@localhost:6379' };
    const faults = (): unknown => readConfig(env, [], { cores: 1, hostname: 'h' });
    expect(faults).toThrow(ConfigError);
    expect(faults).not.toThrow(/hunter2/);
  });
});
