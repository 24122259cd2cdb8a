// What the facts of an acquirer make of a bill.

import { begin } from '../acquiring/acquired-bill.ts';
import { unreachable } from '../assert.ts';
import { endingWith } from './copies.ts';
import { type Draft, impossible } from './draft.ts';
import type { FactOf, Moment } from './vocabulary.ts';

type AcquiringFact = FactOf<'BillOpened' | 'BillFailed' | 'AcquiringBegun' | 'AcquiringKept'>;

/** Applies one of them to the draft. */
export function acquiringChanged(draft: Draft, fact: AcquiringFact, { at }: Moment): void {
  const { acquiring, status } = draft;
  if (acquiring === undefined) impossible(draft, fact);
  switch (fact.type) {
    case 'BillOpened':
      if (status !== 'pending') impossible(draft, fact);
      draft.status = 'open';
      break;
    case 'BillFailed':
      if (status !== 'pending' && status !== 'open') impossible(draft, fact);
      draft.status = 'failed';
      draft.ending = endingWith(draft.ending, { closedAt: at, cause: 'acquirer' });
      break;
    case 'AcquiringBegun': {
      const record = begin(acquiring.record, fact.step, at);
      draft.acquiring = { record, no: acquiring.no + 1, wakeAt: fact.wakeAt };
      break;
    }
    case 'AcquiringKept':
      draft.acquiring = fact.acquiring;
      break;
    default:
      unreachable(fact);
  }
}
