// Entries of version 7, which tell of a bill for tests and of payments through another institution's paychannel: recorded
// and read as entry-codec.test.ts says.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { InstitutionId } from '../../src/domain/ids.ts';
import { millis } from '../../src/domain/time.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import type { EntryContent } from '../../src/switch/records.ts';
import { makePayment, makeRefusal, makeTerms } from '../support/bill-fixtures.ts';

const at = 1_785_000_000_123;
const institutionId = 'ins_2' as InstitutionId;
const terms = makeTerms({ mode: 'test' });

const content: EntryContent = {
  kind: 'batch',
  transitions: [
    {
      kind: 'bill',
      billId: terms.id,
      at: millis(at),
      command: 'PayBill',
      actor: 'paychannel:p1',
      requestId: 'req-1',
      facts: [
        { type: 'BillCreated', terms },
        { type: 'PaymentAccepted', payment: makePayment({ institutionId, payer: 'J*** D**' }) },
        { type: 'PaymentRefused', payment: makeRefusal({ institutionId }), digest: 'digest' },
      ],
    },
  ],
};

test('an entry of version 7 that tells of two institutions is read as what it said', () => {
  const path = new URL('./entries-v7.json', import.meta.url);
  const { institutions } = JSON.parse(readFileSync(path, 'utf8')) as { institutions: string };
  const payload = Buffer.from(institutions, 'base64');
  expect(payload[0]).toBe(7);
  expect(makeEntryCodec().decode(payload)).toStrictEqual(content);
});
