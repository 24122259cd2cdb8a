import { afterEach, describe, expect, test } from 'vitest';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import type { OperatorDesk } from '../../switch/operator-desk.ts';
import { hashOfKey } from './principals.ts';

let bench: Bench | undefined;
afterEach(() => bench?.gateway.close());

const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const refused = () => Promise.reject(away);
const done = () => Promise.resolve({ is: 'done', shown: {}, key: null });

async function ask(desk: object, call: string, body: object): Promise<object> {
  const all = { isRepeat: () => Promise.resolve(false), ...desk };
  bench = await startBench({ options: { desk: all as unknown as OperatorDesk } });
  const hash = hashOfKey(keys.operator);
  const operator = bench.principals.get(hash);
  if (operator === undefined) throw new Error('there is no operator');
  bench.principals.set(hash, { ...operator, role: 'system' });
  const [method = '', path = ''] = call.split(' ');
  const response = await fetch(`${bench.url}/v1/operator/terminals/trm_1/${path}`, {
    method,
    headers: { Authorization: `Bearer ${keys.operator}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (await response.json()) as object;
}

describe('an operator’s change that was made', () => {
  const unknown = { status: 504, code: 'outcome.unknown' };

  test('is not said to be undone where it cannot be shown', async () => {
    expect(await ask({ limit: done, limits: refused }, 'PUT limits', {})).toMatchObject(unknown);
    bench?.gateway.close();
    expect(
      await ask({ changeCodes: done, codes: refused }, 'PATCH codes', { format: 'url' }),
    ).toMatchObject(unknown);
  });

  test('is said to be undone where it was not made', async () => {
    expect(await ask({ limit: refused }, 'PUT limits', {})).toMatchObject({
      status: 503,
      code: 'history.unavailable',
    });
  });
});
