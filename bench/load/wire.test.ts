import { pack, unpack } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { jsonWire, msgpackWire, packInteger, packText, type Wire } from './wire.ts';

const answer = {
  id: 1_025,
  status: 201,
  body: {
    id: '01M8025QMA002GPH72X6SNT2P2',
    status: 'paid',
    amount: 99_999,
    due: 0,
    paid: 70_000,
    payable: true,
    note: 'x'.repeat(40),
  },
};

const wires: readonly { name: string; wire: Wire; encode: (value: unknown) => string }[] = [
  { name: 'JSON', wire: jsonWire, encode: (value) => JSON.stringify(value) },
  {
    name: 'msgpack',
    wire: msgpackWire,
    encode: (value) => Buffer.from(pack(value)).toString('latin1'),
  },
];

describe.each(wires)('the $name wire', ({ wire, encode }) => {
  const text = encode(answer);

  test('writes requests that decode to what was meant', () => {
    const requests = [
      wire.create(8, 'order-1', 70_000),
      wire.create(9, 'order-2', 5, 86_400),
      wire.view(300, answer.body.id),
      wire.pay(70_000, answer.body.id, 'pay-1', 99),
      wire.acknowledge(3, 'e'.repeat(40)),
      wire.confirm(4, answer.body.id),
    ].map((request) => wire.decode(request));
    const { id: billId } = answer.body;
    expect(requests).toEqual([
      {
        id: 8,
        op: 'bill.create',
        body: {
          orderId: 'order-1',
          amount: 70_000,
          currency: 'EUR',
          description: expect.any(String),
        },
      },
      { id: 9, op: 'bill.create', body: expect.objectContaining({ expiresIn: 86_400, amount: 5 }) },
      { id: 300, op: 'bill.view', body: { billId } },
      {
        id: 70_000,
        op: 'payment.create',
        body: { billId, paymentRef: 'pay-1', amount: 99, currency: 'EUR', method: 'account' },
      },
      { id: 3, op: 'event.ack', body: { ids: ['e'.repeat(40)] } },
      { id: 4, op: 'bill.confirm', body: { billId } },
    ]);
  });

  test('finds numbers, texts and truths by their names', () => {
    const bodyAt = wire.find(text, 'body', 0);
    expect(wire.numberAt(text, wire.find(text, 'id', 0))).toBe(1_025);
    expect(wire.numberAt(text, wire.find(text, 'status', 0))).toBe(201);
    expect(wire.textAt(text, wire.find(text, 'id', bodyAt))).toBe(answer.body.id);
    expect(wire.textAt(text, wire.find(text, 'status', bodyAt))).toBe('paid');
    expect(wire.numberAt(text, wire.find(text, 'amount', bodyAt))).toBe(99_999);
    expect(wire.numberAt(text, wire.find(text, 'due', bodyAt))).toBe(0);
    expect(wire.isTrueAt(text, wire.find(text, 'payable', bodyAt))).toBe(true);
    expect(wire.textAt(text, wire.find(text, 'note', bodyAt))).toBe('x'.repeat(40));
  });

  test('says so where a name is missing, and where a value is of another kind', () => {
    const missing = wire.find(text, 'absent', 0);
    expect(missing).toBe(-1);
    expect(wire.numberAt(text, missing)).toBe(-1);
    expect(wire.textAt(text, missing)).toBe('');
    expect(wire.isTrueAt(text, missing)).toBe(false);
    const amountAt = wire.find(text, 'amount', 0);
    expect(wire.textAt(text, amountAt)).toBe('');
    expect(wire.numberAt(text, wire.find(text, 'note', 0))).toBe(-1);
  });

  test('tells events from answers', () => {
    // msgpackr writes the size of a map in two bytes where the switch needs none for its frame.
    const event = encode({ event: { id: 'e1' } }).replace('\xde\0\x01', '\x81');
    expect(wire.isEvent(event)).toBe(true);
    expect(wire.isEvent(text)).toBe(false);
  });
});

describe('the packers of msgpack', () => {
  test('agree with msgpackr at every width', () => {
    for (const value of [0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295]) {
      expect(unpack(Buffer.from(packInteger(value), 'latin1'))).toBe(value);
    }
    for (const value of ['', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255)]) {
      expect(unpack(Buffer.from(packText(value), 'latin1'))).toBe(value);
    }
  });
});
