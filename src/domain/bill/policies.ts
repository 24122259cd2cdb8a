// What a bill does where things do not go as they should: paid late, paid above what is due, paid in parts, never
// confirmed. Chosen when it is created, and never changed after.

import { type Millis, NEVER } from '../time.ts';
import type { Policies, Terms } from './vocabulary.ts';

/** All four, as they are shown. */
export type AllPolicies = Policies & Pick<Terms, 'unconfirmed'>;

/** Policies as somebody has set them: some, all or none. */
export type PolicySettings = Partial<AllPolicies>;

const USUAL: Policies = Object.freeze({ late: 'refuse', excess: 'refuse', part: 'allow' });
/** What is printed asks for one payment, whole. */
const USUAL_OF_STATIC: Policies = Object.freeze({
  late: 'refuse',
  excess: 'refuse',
  part: 'forbid',
});

/** What a bill of the type does where nobody has said anything. */
export function usualPolicies(type: Terms['type']): Policies {
  return type === 'static' ? USUAL_OF_STATIC : USUAL;
}

export function policiesOf(terms: Pick<Terms, 'type' | 'policies'>): Policies {
  return terms.policies ?? usualPolicies(terms.type);
}

/** All of the bill's policies, as API, events and lists show them. */
export function allPoliciesOf(
  terms: Pick<Terms, 'type' | 'policies' | 'unconfirmed'>,
): AllPolicies {
  const { late, excess, part } = policiesOf(terms);
  return { late, excess, part, unconfirmed: terms.unconfirmed };
}

/** Until when the bill takes payments and waits for them: a bill that is paid late never expires. */
export function openUntil(terms: Pick<Terms, 'policies' | 'expiresAt'>): Millis {
  return terms.policies?.late === 'accept' ? NEVER : terms.expiresAt;
}
