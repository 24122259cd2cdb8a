// Bytes from the log. What the codec cannot read it says so by one error, which stops the shard; it reads nothing into
// them, and what it reads next is not changed by them.

import { isDeepStrictEqual } from 'node:util';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { type EntryContent, UnreadableEntry } from '../../src/switch/records.ts';
import type { Choices } from './choices.ts';
import { mutated, someBytes } from './mutations.ts';
import { oddKey, oddValue } from './odd-values.ts';
import { promise, type Target } from './target.ts';
import { msgpackBytes } from './writers.ts';

const stamp = { at: 1_760_000_000_000, actor: 'terminal:ter_1', requestId: 'r-1' };
const sample = {
  kind: 'batch',
  transitions: [
    {
      kind: 'bill',
      billId: '01JB3M0Q2V00AZ4R8XN5T6K9WC',
      command: 'PayBill',
      ...stamp,
      facts: [
        { type: 'PaymentVoided', paychannelId: 'pay_1', paymentRef: 'p-1' },
        { type: 'BillConfirmed', amount: 2 ** 40, cause: null, receipt: { a: ['ü', 1.5] } },
        {
          type: 'EventRaised',
          to: 'ter_1',
          event: 'bill.paid',
          cause: null,
          paymentNo: 1,
          creditNo: null,
        },
        { type: 'EventsAcknowledged', nos: [1, 2] },
      ],
    },
    { kind: 'orderVoided', terminalId: 'ter_1', orderId: 'o-1', ...stamp },
  ],
} as unknown as EntryContent;
const opening = {
  kind: 'open',
  nonce: 'n',
  holder: 'h',
  at: 1,
  follows: 0,
} as unknown as EntryContent;

const writer = makeEntryCodec();
/** Version and sum stand before the msgpack. */
const HEAD_BYTES = 5;
const whole = [sample, opening].map((content) => ({
  content,
  bytes: Buffer.from(writer.encode(content)),
}));
/** As version 1 had them: without a sum, so that what is wrong behind it is met. */
const unsummed = whole.map(({ bytes }) => Buffer.of(1, ...bytes.subarray(HEAD_BYTES)));
/** One for all inputs, as a thread has one for all its entries. */
const reader = makeEntryCodec();

function isRefused(bytes: Buffer): boolean {
  try {
    reader.decode(bytes);
    return false;
  } catch (error) {
    return error instanceof UnreadableEntry;
  }
}

function checkEntry(bytes: Buffer): void {
  let content: EntryContent | undefined;
  try {
    content = reader.decode(bytes);
  } catch (error) {
    promise(error instanceof UnreadableEntry, `the codec threw ${String(error)}`, bytes);
  }
  if (content !== undefined) checkContent(content, bytes);
  for (const { content: expected, bytes: good } of whole) {
    promise(isDeepStrictEqual(reader.decode(good), expected), 'the next entry is misread', bytes);
  }
}

function checkContent(content: EntryContent, bytes: Buffer): void {
  const { kind } = content;
  promise(kind === 'open' || kind === 'closed' || kind === 'batch', 'an entry of no kind', bytes);
  if (content.kind !== 'batch') return;
  promise(Array.isArray(content.transitions), 'a batch without transitions', bytes);
  for (const transition of content.transitions) {
    promise(
      transition.kind === 'orderVoided' ||
        (transition.kind === 'bill' && Array.isArray(transition.facts)),
      'a transition of no kind',
      bytes,
    );
  }
}

/** Extensions: records that define themselves, dates, sets, errors, pointers, and what nobody knows. */
function extension(choices: Choices): Buffer {
  const type = choices.pick([
    0x72, 0x72, 0x72, 0xff, 0x65, 0x69, 0x70, 0x73, 0x78, 0x74, 0x00, 0x62,
  ]);
  const id = choices.chance(0.7) ? choices.between(0x40, 0x5f) : choices.below(256);
  const keys = msgpackBytes(
    choices,
    choices.several(4, () => oddKey(choices)),
  );
  const values = choices.several(4, () => msgpackBytes(choices, oddValue(choices, 3)));
  return Buffer.concat([Buffer.of(0xd4, type, id), keys, ...values]);
}

const target = (name: string, make: (choices: Choices) => Buffer): Target => ({
  name,
  group: 'entries',
  run: (choices) => checkEntry(make(choices)),
});

export const entryTargets: readonly Target[] = [
  target('log entries with something wrong', (choices) => mutated(choices, choices.pick(unsummed))),
  {
    name: 'log entries that are not what was summed',
    group: 'entries',
    run: (choices) => {
      const { bytes } = choices.pick(whole);
      const damaged = mutated(choices, bytes);
      promise(
        damaged[0] === 1 || damaged.equals(bytes) || isRefused(damaged),
        'a damaged entry is believed',
        damaged,
      );
    },
  },
  target('log entries of any bytes', (choices) =>
    Buffer.concat([
      Buffer.of(choices.chance(0.9) ? 1 : choices.below(256)),
      someBytes(choices, 60),
    ]),
  ),
  target('log entries of other values', (choices) =>
    Buffer.concat([Buffer.of(1), msgpackBytes(choices, oddValue(choices))]),
  ),
  target('log entries with extensions', (choices) => {
    const bytes = choices.pick(unsummed);
    const at = choices.between(1, bytes.length);
    return Buffer.concat([bytes.subarray(0, at), extension(choices), bytes.subarray(at)]);
  }),
];
