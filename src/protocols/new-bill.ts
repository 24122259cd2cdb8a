// What a create asks for, as terms: what a schema cannot say is checked here.

import { must } from '../domain/assert.ts';
import type { Offer } from '../domain/bill/vocabulary.ts';
import type { BillId, Reference, TerminalId } from '../domain/ids.ts';
import { AMOUNT_MAX, type Currency, type Minor, ZERO } from '../domain/money.ts';
import { STAY_MAX_MS, type Tariff } from '../domain/tariff/tariff.ts';
import { type Millis, NEVER, SECOND_MS } from '../domain/time.ts';
import type { Principal } from '../switch/principal.ts';
import type { ProposedTerms } from '../switch/requests.ts';
import { digestOf } from './digest.ts';
import { stayViolations } from './new-stay.ts';
import { policiesFor, policyViolations } from './policies.ts';
import { invalid, type Problem, type Violation } from './problem-document.ts';
import { staticFields } from './schemas/new-bill-request.ts';
import type { RequestBody } from './schemas/requests.ts';
import { timerFields } from './schemas/stay-requests.ts';
import { VIOLATIONS_MAX } from './schemas/validation.ts';
import { parseTime } from './wire-time.ts';

type Create = RequestBody<'bill.create'>;

const NO_NAMES = [] as const;
const CONFIRM_WITHIN_DEFAULT_S = 86_400;
const EXPIRES_IN_DEFAULT_S = 900;
const STATIC_FIELDS = Object.keys(staticFields) as (keyof typeof staticFields)[];
const TIMER_FIELDS = Object.keys(timerFields) as (keyof typeof timerFields)[];

/** What is wrong with a create that fits its schema; undefined where nothing is. */
export function problemOfNew(request: Create, now: Millis): Problem | undefined {
  const common = policyViolations(request);
  if (contradictsItself(request.tip)) common.push(TIP_OF_NOTHING);
  for (const [type, fields] of FIELDS_BY_TYPE) {
    const path =
      type === request.type ? undefined : fields.find((each) => request[each] !== undefined);
    if (path !== undefined) return invalid([{ path, message: `goes with ${type} bills only` }]);
  }
  if (request.type === 'timer') {
    const violations = [...stayViolations(request, now), ...common].slice(0, VIOLATIONS_MAX);
    return violations.length === 0 ? undefined : invalid(violations);
  }
  if (request.type === 'static') {
    const violations = [...amountViolations(request), ...limitViolations(request), ...common];
    return violations.length === 0 ? undefined : invalid(violations);
  }
  if (common.length > 0) return invalid(common);
  if (request.amount === undefined) return invalid([AMOUNT_MISSING]);
  return request.amount === 0 ? { code: 'bill.amountZero' } : undefined;
}

/** What the schema cannot say, beside what it says: only a bill with a range has no amount. */
export function withMissingAmount(body: unknown, violations: readonly Violation[]): Violation[] {
  const given = body as Record<string, unknown> | null;
  const needsAmount =
    typeof given === 'object' &&
    given !== null &&
    !Array.isArray(given) &&
    given.type !== 'static' &&
    given.type !== 'timer' &&
    given.amount === undefined;
  const all = needsAmount ? [...violations, AMOUNT_MISSING] : [...violations];
  return all.slice(0, VIOLATIONS_MAX);
}

const FIELDS_BY_TYPE = [
  ['static', STATIC_FIELDS],
  ['timer', TIMER_FIELDS],
] as const;

const TIP_OF_NOTHING: Violation = { path: 'tip.max', message: 'does not go with allowed false' };

function contradictsItself(tip: Create['tip']): boolean {
  return tip !== undefined && !tip.allowed && tip.max !== undefined;
}

const AMOUNT_MISSING: Violation = { path: 'amount', message: 'is missing' };

function amountViolations({ amount, minAmount, maxAmount }: Create): Violation[] {
  if (amount !== undefined) {
    if (amount === 0) return [{ path: 'amount', message: 'must be above 0' }];
    if (minAmount === undefined && maxAmount === undefined) return [];
    return [{ path: 'amount', message: 'does not go with minAmount and maxAmount' }];
  }
  if (minAmount === undefined && maxAmount === undefined) {
    return [{ path: 'amount', message: 'is missing, or else minAmount and maxAmount' }];
  }
  if (minAmount === undefined) return [{ path: 'minAmount', message: 'is missing' }];
  if (maxAmount === undefined) return [{ path: 'maxAmount', message: 'is missing' }];
  return minAmount > maxAmount
    ? [{ path: 'maxAmount', message: 'must not be below minAmount' }]
    : [];
}

function limitViolations(request: Create): Violation[] {
  const violations: Violation[] = [];
  for (const path of ['maxPayments', 'maxTotal'] as const) {
    if (request[path] !== undefined && request.usage !== 'many') {
      violations.push({ path, message: 'goes with usage many only' });
    }
  }
  const least = request.amount ?? request.minAmount ?? 0;
  if (request.maxTotal !== undefined && request.maxTotal < least) {
    violations.push({ path: 'maxTotal', message: 'must not be below what one payment brings' });
  }
  const from = timeOf(request.validFrom);
  const until = timeOf(request.validUntil);
  if (from !== null && until !== null && until <= from) {
    violations.push({ path: 'validUntil', message: 'must be after validFrom' });
  }
  if (until !== null && request.expiresIn !== undefined) {
    violations.push({ path: 'expiresIn', message: 'does not go with validUntil' });
  }
  return violations;
}

/** What makes “the same create”: a repeat has it too, whatever the name of a tariff stands for by then. */
export function digestOfNew(request: Create): string {
  return digestOf(request, NO_NAMES);
}

/** The terms of a create that nothing is wrong with; of a stay, by this tariff. */
export function termsOf(
  request: Create,
  principal: Principal,
  id: BillId,
  tariff: Tariff | null,
): ProposedTerms {
  const isStatic = request.type === 'static';
  const terms: ProposedTerms = {
    id,
    type: request.type ?? 'dynamic',
    institutionId: principal.institutionId,
    merchantId: must(principal.merchantId, 'the merchant of a terminal'),
    terminalId: principal.id as TerminalId,
    merchant: must(principal.merchant, 'the merchant of a terminal'),
    orderId: request.orderId as Reference,
    digest: digestOfNew(request),
    purpose: request.purpose ?? 'sale',
    amount: (request.amount ?? ZERO) as Minor,
    currency: request.currency as Currency,
    description: request.description ?? null,
    lines: (request.lines ?? []) as unknown as ProposedTerms['lines'],
    metadata: request.metadata ?? null,
    capture: request.capture ?? (isStatic ? 'auto' : 'manual'),
    confirmWithinMs: (request.confirmWithin ?? CONFIRM_WITHIN_DEFAULT_S) * SECOND_MS,
    unconfirmed: request.policies?.unconfirmed ?? principal.policies?.unconfirmed ?? 'confirm',
    qrFormat: 'url',
    returnUrl: request.returnUrl ?? null,
    relatedBillId: (request.relatedBillId ?? null) as BillId | null,
    expiresInMs: (request.expiresIn ?? EXPIRES_IN_DEFAULT_S) * SECOND_MS,
  };
  const policies = policiesFor(request, principal.policies);
  const own = policies === undefined ? terms : { ...terms, policies };
  const { mode } = principal;
  const whole = mode === 'test' ? { ...own, mode } : own;
  return withWhatItsTypeAdds(withTip(whole, request), request, tariff);
}

function withWhatItsTypeAdds(
  terms: ProposedTerms,
  request: Create,
  tariff: Tariff | null,
): ProposedTerms {
  if (request.type === 'timer') return withStay(terms, request, must(tariff, 'its tariff'));
  return request.type === 'static' ? withOffer(terms, request) : terms;
}

/** Most bills allow no tip, and have no place for it. */
function withTip(terms: ProposedTerms, { tip }: Create): ProposedTerms {
  if (tip?.allowed !== true) return terms;
  return { ...terms, tipMax: (tip.max ?? AMOUNT_MAX) as Minor };
}

function withOffer(terms: ProposedTerms, request: Create): ProposedTerms {
  const offer = offerIn(request);
  if (request.expiresIn !== undefined) return { ...terms, offer };
  return { ...terms, offer, validUntil: timeOf(request.validUntil) ?? NEVER };
}

function withStay(terms: ProposedTerms, request: Create, tariff: Tariff): ProposedTerms {
  const stay = { tariff, startedAt: timeOf(request.startedAt) };
  const expiresInMs = request.expiresIn === undefined ? STAY_MAX_MS : terms.expiresInMs;
  return { ...terms, expiresInMs, stay };
}

function offerIn(request: Create): Offer {
  const { amount, minAmount, maxAmount, usage, maxPayments, maxTotal } = request;
  return {
    usage: usage ?? 'single',
    minAmount: must(amount ?? minAmount, 'the least of a payment') as Minor,
    maxAmount: must(amount ?? maxAmount, 'the most of a payment') as Minor,
    maxPayments: maxPayments ?? null,
    maxTotal: (maxTotal ?? null) as Minor | null,
    validFrom: timeOf(request.validFrom),
  };
}

function timeOf(text: string | undefined): Millis | null {
  return text === undefined ? null : (parseTime(text) ?? null);
}
