// The policies of a new bill: the request's, else those set for its merchant or institution, else the usual ones.

import type { PolicySettings } from '../domain/bill/policies.ts';
import { usualPolicies } from '../domain/bill/policies.ts';
import type { Policies } from '../domain/bill/vocabulary.ts';
import type { Violation } from './problem-document.ts';
import type { RequestBody } from './schemas/requests.ts';

type Create = RequestBody<'bill.create'>;
type Asking = Partial<Create>;

/** What a request asks for that its bill cannot do. What is set for others does not concern such a bill. */
export function policyViolations(request: Create): Violation[] {
  const { late, part } = request.policies ?? {};
  const violations: Violation[] = [];
  if (late === 'accept' && !isPaidLate(request)) {
    const message = 'must be refuse, but of a static bill that is paid once';
    violations.push({ path: 'policies.late', message });
  }
  if (part === 'allow' && request.type === 'static') {
    violations.push({ path: 'policies.part', message: 'must be forbid of a static bill' });
  }
  return violations;
}

/** Undefined where all are as usual. */
export function policiesFor(request: Asking, set: PolicySettings = {}): Policies | undefined {
  const given = request.policies ?? {};
  const usual = usualPolicies(request.type ?? 'dynamic');
  const late = given.late ?? (isPaidLate(request) ? set.late : undefined) ?? usual.late;
  const excess = given.excess ?? set.excess ?? usual.excess;
  const part = request.type === 'static' ? 'forbid' : (given.part ?? set.part ?? usual.part);
  const isUsual = late === usual.late && excess === usual.excess && part === usual.part;
  return isUsual ? undefined : { late, excess, part };
}

/** Whether the bill is such as may be paid late at all. */
function isPaidLate({ type, usage }: Asking): boolean {
  return type === 'static' && usage !== 'many';
}
