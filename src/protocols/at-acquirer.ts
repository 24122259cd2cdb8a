// A new bill that is to be paid through a bank's own QR system: whether there is one of that name for this terminal, and
// whether it takes such a bill.

import { acquirerFor, type KnownAcquirer } from '../switch/acquirers.ts';
import type { Principal } from '../switch/principal.ts';
import type { ProposedTerms, SwitchRejection } from '../switch/requests.ts';
import type { Violation } from './problem-document.ts';
import type { RequestBody } from './schemas/requests.ts';

/** The terms with the acquirer, or why they cannot have it. */
export function withAcquirer(
  terms: ProposedTerms,
  request: RequestBody<'bill.create'>,
  by: { readonly principal: Principal; readonly acquirers: readonly KnownAcquirer[] },
): ProposedTerms | SwitchRejection {
  const { acquirer: name } = request;
  if (name === undefined) return terms;
  const known = acquirerFor(by.acquirers, name, by.principal);
  if (known === undefined) return { rejected: 'acquirer.unknown' };
  const errors = [...unfitKind(request), ...unfitNumbers(terms, known)];
  if (errors.length > 0) return { rejected: 'acquirer.unfit', errors };
  return { ...terms, acquirer: known.at };
}

function unfitKind({ type, tip, qrFormat }: RequestBody<'bill.create'>): Violation[] {
  const errors: Violation[] = [];
  if (type !== undefined && type !== 'dynamic') {
    errors.push({
      path: 'type',
      message: 'must be dynamic: an acquirer takes one payment of one amount',
    });
  }
  if (tip?.allowed === true) {
    errors.push({ path: 'tip', message: 'an acquirer takes what is due, and nothing on top' });
  }
  if (qrFormat !== undefined) {
    errors.push({
      path: 'qrFormat',
      message: 'does not go with acquirer: the code is the bank’s own',
    });
  }
  return errors;
}

function unfitNumbers(terms: ProposedTerms, { takes }: KnownAcquirer): Violation[] {
  const { amount, currency, expiresInMs } = terms;
  const errors: Violation[] = [];
  if (!takes.currencies.includes(currency)) {
    errors.push({ path: 'currency', message: `must be ${takes.currencies.join(' or ')}` });
  }
  if (amount < takes.amountMin || amount > takes.amountMax) {
    errors.push({
      path: 'amount',
      message: `must be from ${takes.amountMin} to ${takes.amountMax}`,
    });
  }
  if (expiresInMs < takes.lifetimeMinMs || expiresInMs > takes.lifetimeMaxMs) {
    const [from, to] = [takes.lifetimeMinMs / 1_000, takes.lifetimeMaxMs / 1_000];
    errors.push({ path: 'expiresIn', message: `must be from ${from} to ${to} seconds` });
  }
  return errors;
}
