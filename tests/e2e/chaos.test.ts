// A short run of chaos on each set-up, and a proof that its audit is not blind: what was remembered of the run is
// tampered with, and each lie must be found.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audit, REFUSALS } from '../chaos/audit.ts';
import { idOf } from '../chaos/evidence.ts';
import { linearisabilityOf } from '../chaos/linearisability.ts';
import { type Call, isDone } from '../chaos/memory.ts';
import { failureOf, wrongs } from '../chaos/report.ts';
import { type RunResult, run } from '../chaos/run.ts';
import { leaksIn } from '../chaos/secrets.ts';
import { tamperingsOfBanks } from '../chaos/tampered-banks.ts';
import { tamperingsOfCodes, withdrawal } from '../chaos/tampered-codes.ts';
import { tamperingsOfStays } from '../chaos/tampered-stays.ts';
import { tamperingsOfWebhooks } from '../chaos/tampered-webhooks.ts';
import { type Copy, first, made, remove, type Tampering } from '../chaos/tampering.ts';

const SEED = 42;
const KINDS = ['switch killed', 'clients: answers lost', 'Postgres connections ended'];

const tamperings: readonly Tampering[] = [
  {
    what: 'a payment is missing in Postgres',
    with: (copy) => remove(copy.rows.payments, (row) => row === rowOfPayment(copy)),
    found: 'lost',
  },
  {
    what: 'a refusal is missing in Postgres',
    with: ({ rows, memory }) => {
      const refused = memory.calls.filter(
        ({ op, answer }) =>
          op === 'payment.create' && REFUSALS.has((answer as { code?: string } | null)?.code),
      );
      remove(
        rows.payments,
        (row) =>
          row.status === 'refused' &&
          refused.some(
            ({ client, billId, body }) =>
              row.bill_id === billId &&
              row.payment_ref === body.paymentRef &&
              row.paychannel_id === idOf(client),
          ),
      );
    },
    found: 'lost',
  },
  {
    what: 'a payment stands twice in Postgres',
    with: ({ rows }) => rows.payments.push({ ...first(rows.payments), no: 99 }),
    found: 'doubled',
  },
  {
    what: 'a payment has another amount',
    with: (copy) => {
      rowOfPayment(copy).amount += 1;
    },
    found: 'lost',
  },
  {
    what: 'a bill is missing in Postgres',
    with: ({ memory, rows }) => {
      // By its id: another terminal's order may have the same name, and its bill may be one that nobody was told of.
      const { id: told } = made(memory.calls, 'bill.create').answer as { id: string };
      remove(rows.bills, ({ id }) => id === told);
    },
    found: 'lost',
  },
  {
    what: 'a transition is missing in Postgres',
    with: ({ memory, rows }) => {
      const { requestId } = made(memory.calls, 'payment.create');
      remove(rows.transitions, ({ request_id }) => request_id === requestId);
    },
    found: 'lost',
  },
  {
    what: 'a transition was made twice',
    with: ({ rows }) => {
      rows.transitions.push(first(rows.transitions.filter(({ type }) => type === 'PayBill')));
    },
    found: 'doubled',
  },
  {
    what: 'a transition was made that nobody asked for',
    with: ({ rows }) => {
      first(rows.transitions.filter(({ type }) => type === 'PayBill')).request_id = 'nobody';
    },
    found: 'uninvited',
  },
  {
    what: 'the tombstone of an order is a bill',
    with: ({ rows }) => {
      first(rows.orders.filter(({ bill_id }) => bill_id !== null)).order_id = 'nobody';
    },
    found: 'uninvited',
  },
  {
    what: 'settlements are undone',
    with: ({ rows }) => {
      // All of them: that one was settled may never have been heard of.
      const settled = rows.credits.filter(({ status }) => status === 'settled');
      for (const credit of [first(settled), ...settled]) credit.status = 'pending';
    },
    found: 'lost',
  },
  {
    what: 'a client never received an event',
    with: ({ memory }) => {
      const { eventId } = first(memory.heard);
      memory.heard = memory.heard.filter((heard) => heard.eventId !== eventId);
    },
    found: 'undelivered',
  },
  {
    what: 'a client received events in the wrong order',
    with: ({ memory }) => {
      const { heard } = memory;
      const later = first(
        heard.filter(
          ({ client, billId, no, way }) =>
            way === 'socket' &&
            heard.some((each) => each.client === client && each.billId === billId && each.no < no),
        ),
      );
      heard.unshift(later);
    },
    found: 'undelivered',
  },
  {
    what: 'a client received an event of another',
    with: ({ memory }) => memory.heard.push({ ...first(memory.heard), client: 'terminal:another' }),
    found: 'uninvited',
  },
  {
    what: 'an event is still pending',
    with: ({ rows }) => {
      first(rows.events).pending = true;
    },
    found: 'undelivered',
  },
  {
    what: 'an answer was forged',
    with: ({ memory }) => {
      const call = first(memory.calls.filter((each) => each.op === 'bill.create' && isDone(each)));
      call.answer = { ...(call.answer as object), id: '00000000000000000000000000' };
    },
    found: 'lost',
  },
  {
    what: 'a repeated payment was answered otherwise',
    with: ({ memory }) => {
      const call = first(
        memory.calls.filter((each) => each.op === 'payment.create' && isDone(each)),
      );
      const { payment } = call.answer as { payment: object };
      const answer = { ...(call.answer as object), payment: { ...payment, receivedAt: 'later' } };
      memory.calls.push({ ...call, no: -1, requestId: 'again', status: 200, answer });
    },
    found: 'contradictions',
  },
  {
    what: 'what was refused with 503 is there',
    with: ({ memory }) => {
      made(memory.calls, 'bill.create').status = 503;
    },
    found: 'contradictions',
  },
  {
    what: 'what was told no is there',
    with: ({ memory }) => {
      const call = made(memory.calls, 'payment.create');
      call.status = 409;
      call.answer = { code: 'bill.notPayable' };
    },
    found: 'contradictions',
  },
  {
    what: 'a bill went back in time',
    with: ({ memory }) => {
      const isLater = ({ answer }: Call) => ((answer as { version?: number })?.version ?? 0) > 1;
      const seen = first(memory.calls.filter((each) => each.op === 'bill.get' && isLater(each)));
      const invokedAt = (seen.returnedAt ?? 0) + 1;
      const old = { ...(seen.answer as object), version: 1, status: 'open', paid: 0 };
      memory.calls.push({ ...seen, no: -1, invokedAt, returnedAt: invokedAt + 1, answer: old });
    },
    found: 'contradictions',
  },
  {
    what: 'a payment was forgotten',
    with: ({ memory }) => {
      const paid = first(
        memory.calls.filter((each) => each.op === 'payment.create' && isDone(each)),
      );
      const invokedAt = (paid.returnedAt ?? 0) + 1;
      const answer = { code: 'payment.notFound' };
      memory.calls.push({ ...paid, no: -1, op: 'payment.get', invokedAt, status: 404, answer });
    },
    found: 'contradictions',
  },
];

describe.each(['redis', 'postgres'] as const)('a short run of chaos on %s', (stores) => {
  let result: RunResult;

  beforeAll(async () => {
    const numbers = { terminals: 40, wallets: 12, rate: 120, seconds: 6 };
    result = await run({ stores, seed: SEED, kinds: KINDS, ...numbers });
  });
  afterAll(() => {
    if (result !== undefined) rmSync(result.folder, { recursive: true, force: true });
  });

  test('breaks no promise, and every fault came', () => {
    expect(wrongs(result)).toEqual([]);
    expect(failureOf(result)).toBeNull();
  });

  test('has given the audit something to look at', () => {
    const done = new Set(result.memory.calls.filter(isDone).map(({ op }) => op));
    for (const op of [
      'bill.create',
      'payment.create',
      'bill.confirm',
      'payment.confirm',
      'payment.cancel',
      'payment.refund',
      'credit.settle',
      'event.ack',
      'bill.arm',
    ]) {
      expect(done).toContain(op);
    }
    expect(result.memory.calls.some(({ status }) => status === null)).toBe(true);
    expect(result.answersLost).toBeGreaterThan(0);
    const { endpoints } = result.memory;
    const [, byMerchant] = endpoints.filter(({ holder }) => holder.startsWith('merchant:'));
    expect(byMerchant?.plan.driver).toBe('choosy');
    const refused = byMerchant?.postings.find(({ outcome }) => outcome === 'refused')?.eventId;
    expect(refused).toBeDefined();
    const how = byMerchant?.postings.filter(({ eventId }) => eventId === refused).at(-1);
    expect(how?.outcome).toBe('taken');
    expect(byMerchant?.resent.map(({ eventId }) => eventId)).toContain(refused);
    expect(endpoints.some(({ secrets }) => secrets.length > 1)).toBe(true);
    const signers = endpoints.flatMap(({ postings }) => postings.map((each) => each.signedBy));
    expect(Math.max(...signers.map(({ length }) => length))).toBeGreaterThan(1);
  });

  // The audit is the same whatever the stores were: one run shows it all that it must see.
  const lies =
    stores === 'redis'
      ? [
          ...tamperings,
          ...tamperingsOfCodes,
          ...tamperingsOfStays,
          ...tamperingsOfWebhooks,
          ...tamperingsOfBanks,
        ]
      : [];

  test.each(lies)('is found out where $what', ({ with: tamper, found }) => {
    const { memory, rows, books } = result;
    const copy = structuredClone({ memory, rows }) as unknown as Copy;
    tamper(copy);
    expect(audit(copy.memory, copy.rows, books)[found]).not.toEqual([]);
  });

  test('tells no secret, and is found out where any of them stands in a log', () => {
    const { spoken, secrets, leaks } = result;
    expect(leaks).toEqual([]);
    // What they were looked for in is what was said.
    expect(spoken.find(({ by }) => by.endsWith('switch.log'))?.text).toContain('"switch.ready"');
    expect(spoken.find(({ by }) => by === 'metrics.txt')?.text).toContain('qrswitch_');
    expect(spoken.find(({ by }) => by === 'server.log')?.text).not.toBe('');
    expect(spoken.find(({ by }) => by === 'problem documents')?.text).toContain('"code"');
    expect(secrets.length).toBeGreaterThan(50);
    for (const secret of secrets) {
      const line = `{"level":"info","msg":"asked with ${secret.text}"}`;
      const log = { by: 'a log', text: `a line\n${line}\nand another` };
      expect(leaksIn([...spoken, log], [secret]), secret.what).toHaveLength(1);
    }
  });

  test('has no explanation where a bill forgets what was paid', () => {
    const { memory } = result;
    // The plain model knows no tariffs.
    const isStay = ({ billId }: Call): boolean =>
      result.rows.bills.some(({ id, type }) => id === billId && type === 'timer');
    const paid = made(
      memory.calls.filter((call) => !isStay(call)),
      'payment.create',
    );
    const seen = { ...paid, op: 'bill.get' as const, body: { billId: paid.billId } };
    const invokedAt = (paid.returnedAt ?? 0) + 1;
    const answer = { id: paid.billId, version: 1, status: 'open', paid: 0 };
    const told = { ...seen, invokedAt, returnedAt: invokedAt + 1, status: 200, answer };
    expect(linearisabilityOf([...memory.calls, told]).wrong).toHaveLength(1);
  });

  test('has no explanation where a printed code takes a payment after it was withdrawn', () => {
    const { memory } = result;
    const end = withdrawal(memory.calls);
    const invokedAt = (end.returnedAt ?? 0) + 1;
    const body = { billId: end.billId, paymentRef: 'late', amount: 250, currency: 'EUR' };
    const late = { ...end, client: 'paychannel:late', op: 'payment.create' as const, body };
    const told = { ...late, invokedAt, returnedAt: invokedAt + 1, status: 201, answer: {} };
    expect(linearisabilityOf([...memory.calls, told]).wrong).toHaveLength(1);
  });
});

function rowOfPayment({ memory, rows }: Copy): Copy['rows']['payments'][number] {
  const { payment } = made(memory.calls, 'payment.create').answer as { payment: { id: string } };
  return first(rows.payments.filter((row) => `${row.bill_id}-p${row.no}` === payment.id));
}
