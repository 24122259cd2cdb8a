import { beforeEach, describe, expect, test } from 'vitest';
import { NOON } from '../../tests/support/bill-fixtures.ts';
import { keys, makePrincipals } from '../../tests/support/fake-door.ts';
import { payers } from '../../tests/support/payers.ts';
import { codesAt, NO_FORMATS } from '../../tests/support/qr-claims.ts';
import { must } from '../domain/assert.ts';
import type { Operation } from '../switch/requests.ts';
import { hashOfKey } from './gateway/principals.ts';
import type { Addressed } from './operations/addressing.ts';
import { readOperation } from './operations/read-operation.ts';
import { TariffBook } from './tariff-book.ts';

const till = must(makePrincipals().get(hashOfKey(keys.terminal)), 'a terminal');
const merchantId = must(till.merchantId, 'its merchant');

function tariff(amount: number, more: object = {}, effectiveFrom = '2020-01-01T00:00:00Z') {
  const rules = [{ name: 'Always', phases: [{ amount }] }];
  const version = { effectiveFrom, graceSeconds: 0, quoteSeconds: 0, rules };
  return { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version], ...more };
}

let tariffs: TariffBook;
beforeEach(() => {
  tariffs = new TariffBook();
  put('town', 1, tariff(100));
});

function put(name: string, revision: number, document: unknown): void {
  tariffs.learn([{ id: `trf_${name}`, merchantId, name, revision, document }], false);
}

const body = (more: object = {}) => ({
  type: 'timer',
  orderId: 'ticket-1',
  currency: 'EUR',
  tariff: { name: 'town' },
  ...more,
});

function read(given: object): ReturnType<typeof readOperation> {
  const codes = codesAt('https://pay.example');
  const context = { shards: 8, codes, acquirers: [], hosted: NO_FORMATS, payers, tariffs };
  return readOperation('bill.create', given, till, { ...context, wall: () => NOON });
}

function operationOf(given: object): Operation {
  return (read(given) as Addressed).operation;
}

function termsOf(given: object) {
  const operation = operationOf(given);
  if (operation.op !== 'bill.create') throw new Error(`it is ${operation.op}`);
  return operation.terms;
}

describe('a create that names a tariff', () => {
  test('is one of the newest revision, which its bill says', () => {
    put('town', 2, tariff(200));
    const { stay, amount } = termsOf(body());
    expect(amount).toBe(0);
    expect(stay?.tariff.origin).toEqual({ name: 'town', revision: 2 });
    expect(stay?.tariff.versions[0]?.rules[0]?.phases[0]?.amount).toBe(200);
    expect(termsOf(body({ tariff: tariff(300) })).stay?.tariff.origin).toBeUndefined();
  });

  test('is the same create whatever the name stands for by then', () => {
    const { digest } = termsOf(body());
    put('town', 2, tariff(200));
    expect(termsOf(body()).digest).toBe(digest);
    put('other', 1, tariff(200));
    expect(termsOf(body({ tariff: { name: 'other' } })).digest).not.toBe(digest);
    put('town', 2, null);
    expect(operationOf(body())).toEqual({
      op: 'order.check',
      terminalId: till.id,
      orderId: 'ticket-1',
      digest,
      otherwise: { rejected: 'tariff.unknown', name: 'town' },
    });
  });

  test.each([
    ['in another currency', tariff(1, { currency: 'USD' }), 'tariff.currencyMismatch'],
    ['of days to come', tariff(1, {}, '2999-01-01T00:00:00Z'), 'tariff.notInForce'],
  ] as const)('%s is refused, unless its bill is there', (_what, document, rejected) => {
    put('town', 2, document);
    expect(operationOf(body())).toMatchObject({
      op: 'order.check',
      otherwise: { rejected, name: 'town' },
    });
  });

  test('finds the version of the day on which the stay began', () => {
    put('town', 2, tariff(1, {}, new Date(NOON - 60_000).toISOString()));
    const before = new Date(NOON - 120_000).toISOString();
    expect(operationOf(body())).toMatchObject({ op: 'bill.create' });
    expect(operationOf(body({ startedAt: before }))).toMatchObject({
      otherwise: { rejected: 'tariff.notInForce' },
    });
  });

  test.each([
    ['no text', { name: 1 }, ['tariff.name']],
    ['a name with a space', { name: 'a b' }, ['tariff.name']],
    ['another field', { name: 'town', revision: 1 }, ['tariff.revision']],
    ['a document as well', { name: 'town', ...tariff(1) }, ['tariff.name']],
    ['no object', 'town', ['tariff']],
    ['nothing in it', {}, ['tariff.currency', 'tariff.timeZone', 'tariff.versions']],
  ])('by %s is refused by its place', (_what, given, paths) => {
    const told = read(body({ tariff: given })) as { errors?: { path: string }[] };
    expect(told.errors?.map(({ path }) => path)).toEqual(paths);
  });

  test.each([
    ['in the future', { startedAt: '2999-01-01T00:00:00Z' }, 'startedAt'],
    ['long ago', { startedAt: '2001-01-01T00:00:00Z' }, 'startedAt'],
    [
      'before the first version',
      { tariff: tariff(1, {}, '2999-01-01T00:00:00Z') },
      'tariff.versions',
    ],
  ])('or brings one, of a stay that began %s is refused by one place', (_what, given, path) => {
    for (const brought of [given, { tariff: tariff(1), ...given }]) {
      expect(read(body(brought))).toMatchObject({ errors: [{ path }] });
    }
  });

  test('goes with timer bills only', () => {
    expect(read(body({ type: 'dynamic', amount: 1 }))).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'tariff' }],
    });
  });
});
