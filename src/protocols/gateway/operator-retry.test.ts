import { afterEach, describe, expect, test } from 'vitest';
import { type Bench, keys, startBench } from '../../../tests/support/fake-door.ts';
import type { OperatorDesk } from '../../switch/operator-desk.ts';
import { hashOfKey } from './principals.ts';

let bench: Bench | undefined;
afterEach(() => bench?.gateway.close());

const SHOWN = { is: 'repeated', shown: { id: 'shown', since: 0, createdAt: 0 }, key: null };

/** A call with a key of idempotency that has been made before, or has not. */
async function ask(isRepeat: boolean, path: string, body: object): Promise<object> {
  const made = () => Promise.resolve(SHOWN);
  const desk = {
    isRepeat: () => Promise.resolve(isRepeat),
    addKey: made,
    agreements: { add: made },
  };
  bench = await startBench({ options: { desk: desk as unknown as OperatorDesk } });
  const hash = hashOfKey(keys.operator);
  const operator = bench.principals.get(hash);
  if (operator === undefined) throw new Error('there is no operator');
  bench.principals.set(hash, { ...operator, role: 'system' });
  const response = await fetch(`${bench.url}/v1/operator/${path}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${keys.operator}`,
      'Content-Type': 'application/json',
      'Idempotency-Key': 'set-up-1',
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe('a retry after the time that it names', () => {
  test.each([
    [
      'agreements',
      {
        billingInstitutionId: 'ins_1',
        payingInstitutionId: 'ins_2',
        since: '2001-01-01T00:00:00Z',
      },
      'since',
    ],
    [
      'keys',
      { holder: { kind: 'terminal', id: 'trm_1' }, expiresAt: '2001-01-01T00:00:00Z' },
      'expiresAt',
    ],
  ])('of %s keeps its outcome; a first call is refused', async (path, body, member) => {
    expect(await ask(true, path, body)).toMatchObject({ status: 200, body: { id: 'shown' } });
    bench?.gateway.close();
    expect(await ask(false, path, body)).toMatchObject({
      status: 400,
      body: { errors: [{ path: member }] },
    });
  });
});
