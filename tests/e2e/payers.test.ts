// Labels of payers: told once, read by nobody who finds the stores, seen and erased by operators alone.

import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { done, fresh, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { OperatorParty, onboardHouse } from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const LABEL = 'M*** G*****, +7 *** ***-42-17';
const OLD = { QRSWITCH_DATA_KEYS: 'the-first-data-key-of-an-operator-long-enough' };
const NEW = {
  QRSWITCH_DATA_KEYS: `the-key-that-follows-it-which-is-long-enough-too,${OLD.QRSWITCH_DATA_KEYS}`,
};

interface Payers {
  readonly items: readonly { readonly paymentId: string; readonly payer: string | null }[];
}

describe('the label of a payer', () => {
  let world: World;
  let sql: Sql;
  let erasedId = '';

  beforeAll(async () => {
    world = await World.start(redisAndPostgres, OLD);
    sql = postgres(world.stores.databaseUrl, { max: 1 });
  });
  afterAll(async () => {
    await sql?.end();
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const system = (): OperatorParty => new OperatorParty(world, world.process.demo.operator.key);
  const shown = async (billId: string): Promise<unknown[]> => {
    const { items } = await system().done<Payers>('operator.payer.list', { billId });
    return items.map(({ payer }) => payer);
  };

  async function paidInParts(): Promise<{ billId: string; paymentIds: string[] }> {
    const order = { orderId: fresh('order'), amount: 500, currency: 'EUR' };
    const { id: billId } = await done(world.http('terminal'), 'bill.create', order);
    const paymentIds: string[] = [];
    for (const paymentRef of ['a', 'b']) {
      const part = { billId, paymentRef, amount: 200, currency: 'EUR', payer: LABEL };
      const { payment } = await done(world.http('paychannel'), 'payment.create', part);
      paymentIds.push(String(payment.id));
    }
    return { billId, paymentIds };
  }

  test('is a part of what is paid: the same body again is a retry, with another label it is not', async () => {
    const { billId } = await paidInParts();
    const again = { billId, paymentRef: 'a', amount: 200, currency: 'EUR', payer: LABEL };
    for (const party of [world.http('paychannel'), await world.stream('paychannel', 'msgpack')]) {
      const answer = await party.ask('payment.create', again);
      expect(answer.status).toBe(200);
      expect(JSON.stringify(answer.body)).not.toContain(LABEL);
      const { payer: _payer, ...without } = again;
      for (const body of [{ ...again, payer: `${LABEL}.` }, without]) {
        const other = await refused(party, 'payment.create', body);
        expect(other).toMatchObject({ code: 'payment.refReused' });
      }
    }
  });

  test('stands nowhere as it is, and sealed in one column alone', async () => {
    const { billId } = await paidInParts();
    expect(await shown(billId)).toEqual([LABEL, LABEL]);
    const rows = await sql<{ payer: string }[]>`
      select payer from payments where bill_id = ${billId} order by no`;
    expect(new Set(rows.map(({ payer }) => payer)).size).toBe(2);
    for (const { payer } of rows) expect(payer).toMatch(/^s1\./);
    const text = Buffer.from(LABEL).toString('hex');
    const sealed = rows.map(({ payer }) => Buffer.from(payer).toString('hex'));
    for (const [table, column] of [
      ['bills', 'state'],
      ['refs', 'outcome'],
      ['events', 'body'],
    ]) {
      const packed = await sql<{ hex: string }[]>`
        select encode(${sql(column ?? '')}, 'hex') as hex from ${sql(table ?? '')}`;
      expect(packed.length).toBeGreaterThan(0);
      for (const { hex } of packed) {
        for (const part of [text, ...sealed]) expect(hex.includes(part)).toBe(false);
      }
    }
    expect(world.process.output).not.toContain(LABEL);
  });

  test('is erased, of one payment or of all, and comes back by nothing that follows', async () => {
    const { billId, paymentIds } = await paidInParts();
    const erase = (body: object): Promise<{ erased: number }> =>
      system().done('operator.payer.erase', { billId, ...body });
    expect(await erase({ paymentId: paymentIds[0] })).toEqual({ erased: 1 });
    expect(await shown(billId)).toEqual([null, LABEL]);
    // The bill goes on, and with it the rows of its payments are written again.
    const again = { billId, paymentRef: 'a', amount: 200, currency: 'EUR', payer: LABEL };
    expect((await world.http('paychannel').ask('payment.create', again)).status).toBe(200);
    await done(world.http('terminal'), 'bill.confirm', { billId, amount: 100 });
    expect(await shown(billId)).toEqual([null, LABEL]);
    expect(await erase({})).toEqual({ erased: 1 });
    expect(await erase({})).toEqual({ erased: 0 });
    expect(await shown(billId)).toEqual([null, null]);
    erasedId = billId;
    const lines = await sql<{ entry: string }[]>`
      select entry from audit where subject_id = ${billId} order by no`;
    const actions = lines.map(({ entry }) => (JSON.parse(entry) as { action: string }).action);
    expect(actions.filter((action) => action === 'payers.erased')).toHaveLength(3);
    expect(actions).toContain('payers.shown');
  });

  test('is read on after its key has been followed by another, and what is erased stays so', async () => {
    const { billId } = await paidInParts();
    await world.runWith(NEW);
    expect(await shown(billId)).toEqual([LABEL, LABEL]);
    expect(await shown(erasedId)).toEqual([null, null]);
    const again = { billId, paymentRef: 'b', amount: 200, currency: 'EUR', payer: LABEL };
    expect((await world.http('paychannel').ask('payment.create', again)).status).toBe(200);
  });

  test('is for the administrators of its institution alone', async () => {
    const { billId } = await paidInParts();
    const house = await onboardHouse(system(), fresh('Other'));
    const as = (key: string | null): OperatorParty => new OperatorParty(world, key ?? '');
    for (const op of ['operator.payer.list', 'operator.payer.erase']) {
      const stranger = await as(house.admin.key).ask(op, { billId });
      expect(stranger).toMatchObject({ status: 404, body: { code: 'bill.notFound' } });
      for (const { key } of [house.viewer, house.merchantAdmin]) {
        expect(await as(key).ask(op, { billId })).toMatchObject({ status: 403 });
      }
    }
    const foreign = { billId, paymentId: `${(await paidInParts()).paymentIds[0]}` };
    expect(await system().ask('operator.payer.erase', foreign)).toMatchObject({ status: 404 });
    expect(await shown(billId)).toEqual([LABEL, LABEL]);
  });
});
