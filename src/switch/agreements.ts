// Agreements between institutions: whose paychannels may pay whose bills. Every worker has all of them in memory, and main
// tells it of each change: a payment within one institution is asked nothing, and none waits for the directory.
//
//   G1. A paychannel has to do with its own institution's bills, and with those of others while an agreement is in force.
//   G2. An agreement's end begins nothing new; what has begun comes to its end: status questions, payments under live
//       reservations, events and credits of the bills that were there before.
//   G3. Test and live never meet, whatever is agreed.

import type { PresentBill } from '../domain/bill/state.ts';
import { MINUTE_MS, type Millis } from '../domain/time.ts';
import type { Principal } from './principal.ts';

export interface Agreement {
  readonly billingInstitutionId: string;
  readonly payingInstitutionId: string;
  readonly since: Millis;
  readonly endedAt: Millis | null;
}

/** How far a paychannel may go with a bill: begin and end things; end them only; not even know of it. */
export type Reach = 'whole' | 'begun' | 'none';

/** What holds between two institutions: since when the one that has not ended, and when the last one ended. */
interface Relation {
  readonly since: Millis | null;
  readonly endedAt: Millis | null;
}

/** An end may take its time to be heard of: bills of that time were within reach. */
const HEARD_WITHIN_MS = MINUTE_MS;

/** What the workers know of agreements. */
export class Agreements {
  /** By the paying institution, then by the billing one. */
  #relations: ReadonlyMap<string, ReadonlyMap<string, Relation>>;

  constructor(agreements: readonly Agreement[] = []) {
    this.#relations = relationsOf(agreements);
  }

  /** From now on these hold, and no others. */
  learn(agreements: readonly Agreement[]): void {
    this.#relations = relationsOf(agreements);
  }

  /** How far the paychannel may go with the bill by now. */
  reach(paychannel: Principal, bill: PresentBill, now: Millis): Reach {
    const { terms } = bill;
    if (paychannel.institutionId === terms.institutionId) return 'whole';
    if ((paychannel.mode ?? 'live') !== (terms.mode ?? 'live')) return 'none';
    const relation = this.#relations.get(paychannel.institutionId)?.get(terms.institutionId);
    if (relation === undefined) return 'none';
    const { since, endedAt } = relation;
    if (since !== null && since <= now) return 'whole';
    if (endedAt === null) return 'none';
    if (terms.createdAt < endedAt + HEARD_WITHIN_MS) return 'begun';
    return hasBegun(bill, paychannel.id) ? 'begun' : 'none';
  }
}

function relationsOf(
  agreements: readonly Agreement[],
): ReadonlyMap<string, ReadonlyMap<string, Relation>> {
  const relations = new Map<string, Map<string, Relation>>();
  for (const agreement of agreements) {
    const { billingInstitutionId, payingInstitutionId } = agreement;
    const ofPaying = relations.get(payingInstitutionId) ?? new Map<string, Relation>();
    relations.set(payingInstitutionId, ofPaying);
    const known = ofPaying.get(billingInstitutionId);
    const relation = withAgreement(known ?? { since: null, endedAt: null }, agreement);
    ofPaying.set(billingInstitutionId, relation);
  }
  return relations;
}

function withAgreement(relation: Relation, { since, endedAt }: Agreement): Relation {
  if (endedAt === null) return { ...relation, since };
  // One that ended before it began was never in force.
  if (endedAt <= since || endedAt <= (relation.endedAt ?? 0)) return relation;
  return { ...relation, endedAt };
}

/** Whether the bill has anything of the paychannel. */
function hasBegun(bill: PresentBill, paychannelId: string): boolean {
  const isTheirs = (each: { readonly paychannelId: string }): boolean =>
    each.paychannelId === paychannelId;
  return (
    bill.payments.some(isTheirs) ||
    bill.credits.some(isTheirs) ||
    bill.reservations.some(isTheirs) ||
    bill.references.some(({ scope }) => scope === paychannelId)
  );
}
