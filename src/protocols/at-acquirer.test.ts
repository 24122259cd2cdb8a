import { describe, expect, test } from 'vitest';
import { makePrincipals } from '../../tests/support/fake-door.ts';
import type { AtAcquirer } from '../domain/bill/vocabulary.ts';
import type { InstitutionId, MerchantId, PaychannelId } from '../domain/ids.ts';
import type { KnownAcquirer } from '../switch/acquirers.ts';
import type { Principal } from '../switch/principal.ts';
import { withAcquirer } from './at-acquirer.ts';
import { termsOf } from './new-bill.ts';
import type { RequestBody } from './schemas/requests.ts';

const terminal = [...makePrincipals().values()].find(
  ({ kind }) => kind === 'terminal',
) as Principal;
const at: AtAcquirer = {
  name: 'bank',
  paychannelId: 'acq_bank' as PaychannelId,
  closesByItself: true,
  partialRefund: true,
};
const bank: KnownAcquirer = {
  institutionId: terminal.institutionId,
  merchants: null,
  terminals: null,
  at,
  takes: {
    currencies: ['RUB'],
    amountMin: 1_000,
    amountMax: 5_000,
    lifetimeMinMs: 60_000,
    lifetimeMaxMs: 3_600_000,
  },
  notificationToken: null,
};
const fit = { orderId: 'o-1', amount: 1_500, currency: 'RUB', acquirer: 'bank' };

function result(body: object, known: readonly KnownAcquirer[] = [bank]) {
  const request = body as RequestBody<'bill.create'>;
  return withAcquirer(termsOf(request, terminal, 'X' as never, null), request, {
    principal: terminal,
    acquirers: known,
  });
}

function problemOf(body: object, known?: readonly KnownAcquirer[]) {
  const made = result(body, known);
  if (!('rejected' in made)) throw new Error('it was taken');
  const fields = 'errors' in made ? made.errors.map(({ path }) => path) : undefined;
  return { code: made.rejected, fields };
}

describe('a new bill with an acquirer', () => {
  test('has in its terms what the acquirer can do', () => {
    expect(result(fit)).toMatchObject({ amount: 1_500, acquirer: at });
    expect(result({ ...fit, acquirer: undefined })).not.toHaveProperty('acquirer');
  });

  test.each([
    ['another name', [{ ...bank, at: { ...at, name: 'other' } }]],
    ['another institution', [{ ...bank, institutionId: 'ins_x' as InstitutionId }]],
    ['another merchant', [{ ...bank, merchants: ['mer_x' as MerchantId] }]],
    ['another terminal', [{ ...bank, terminals: ['ter_x'] }]],
  ])('of %s is told that there is none', (_what, known) => {
    expect(problemOf(fit, known)).toEqual({ code: 'acquirer.unknown' });
  });

  test.each([
    [['type'], { type: 'static', usage: 'many' }],
    [['tip'], { tip: { allowed: true } }],
    [['qrFormat'], { qrFormat: 'sbp' }],
    [['currency'], { currency: 'EUR' }],
    [['amount'], { amount: 999 }],
    [['amount'], { amount: 5_001 }],
    [['expiresIn'], { expiresIn: 59 }],
    [['currency', 'amount', 'expiresIn'], { currency: 'EUR', amount: 1, expiresIn: 3_601 }],
  ])('names %j where the bank cannot carry it', (fields, more) => {
    expect(problemOf({ ...fit, ...more })).toEqual({ code: 'acquirer.unfit', fields });
  });
});
