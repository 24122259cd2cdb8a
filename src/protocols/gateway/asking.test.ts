import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { billId, makeBill, NOON, shard } from '../../../tests/support/bill-fixtures.ts';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import { call } from '../../../tests/support/http-client.ts';
import type { PaychannelId } from '../../domain/ids.ts';

const STICKER = billId(1, shard(1));
const SALE = billId(2, shard(3));
const PATH = `/v1/paychannel/bills/${STICKER}`;

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});
afterEach(() => {
  bench.gateway.close();
  expect(bench.errors).toEqual([]);
});

describe('a view of a sticker', () => {
  const elsewhere = { kind: 'elsewhere', billId: SALE } as const;
  const view = { kind: 'view', paychannelId: 'pay_1' as PaychannelId, now: NOON } as const;

  test('is that of its sale, in whatever shard that is', async () => {
    const bill = makeBill({ id: SALE });
    bench.door.script = ({ shard: at }) => (at === 1 ? elsewhere : { ...view, bill });
    const response = await call(bench, 'GET', PATH, { key: keys.paychannel });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: SALE, type: 'dynamic' });
  });

  test('is not there while its sale cannot be asked', async () => {
    const fault = { kind: 'fault', code: 'shard.unavailable', detail: '', retryAfterS: 1 } as const;
    bench.door.script = ({ shard: at }) => (at === 1 ? elsewhere : fault);
    const response = await call(bench, 'GET', PATH, { key: keys.paychannel });
    expect(response.status).toBe(503);
  });
});

describe('an arm that nobody has ended', () => {
  test('is looked at by the gateway that is told of it', async () => {
    const looked = new Promise<void>((resolve) => {
      bench.door.script = ({ operation }) => {
        if (operation.op === 'sticker.get') resolve();
        return { kind: 'sticker', bill: makeBill({ id: STICKER }), saleId: null };
      };
    });
    bench.door.unfinished(STICKER);
    await looked;
    expect(bench.door.requests).toMatchObject([
      { shard: 1, principal: null, operation: { op: 'sticker.get', billId: STICKER } },
    ]);
  });
});
