// Many seeds one after another, what they have covered together, and a failing one made small.

import { BUGS, type BugName } from './bugs.ts';
import { FAULT_KINDS, type FaultKind } from './dice.ts';
import { type RunResult, run } from './run.ts';
import type { RunOptions } from './settings.ts';

/** Runs with a fault planted, if one is named. */
export async function runWith(options: RunOptions, bug: BugName | null): Promise<RunResult> {
  const takeOut = bug === null ? () => undefined : BUGS[bug]();
  try {
    return await run(options);
  } finally {
    takeOut();
  }
}

/** The first seed from `from` on, among `count`, that breaks a promise; null where none does. */
export async function firstFailure(
  options: { from: number; count: number; bug: BugName | null },
  counts = new Map<string, number>(),
  haunt: Pick<RunOptions, 'faults' | 'given'> = {},
): Promise<RunResult | null> {
  for (let seed = options.from; seed < options.from + options.count; seed++) {
    const result = await runWith({ seed, ...haunt }, options.bug);
    for (const [what, count] of result.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (result.violation !== null) return result;
  }
  return null;
}

/** What must have happened at least once in a run of many seeds, or the run has proved nothing about it. */
export const SOMETIMES: readonly string[] = [
  ...FAULT_KINDS,
  'unheard append landed',
  'late append landed',
  'late append refused',
  'doubled append refused',
  'unknown append committed',
  'unknown append lost',
  'deposed by the log',
  'deposed by the lease',
  'epoch ran out',
  'history.notMoved',
  'bill came back',
  'spilled reference found',
  'spilled reference unknown',
  'order known to history',
  'order unknown to history',
  'event.acknowledged',
  'client.gaveUp',
  'fault outcome.unknown',
  'fault overloaded',
  'fault log.refused',
  'fault history.unavailable',
  'fault shard.unavailable',
  'rejected order.void',
  'rejected order.reused',
  'rejected payment.void',
  'rejected payment.refReused',
  'rejected idempotency.reused',
  'rejected reservation.expired',
  'fact ReservationEnded',
  'fact PaymentVoided',
  'fact BillConfirmed',
  'fact BillCancelled',
  'fact BillExpired',
  'fact CreditRequested',
  'fact CreditRepeated',
  'fact CreditSettled',
  'fact ReceiptAttached',
  'fact KeyUsed',
  'fact EventsAcknowledged',
];

export interface Small {
  readonly options: RunOptions;
  readonly violation: string;
}

/** The same seed with as few operations and kinds of faults as still fail. */
export async function shrink(failed: RunResult, bug: BugName | null): Promise<Small> {
  let small: Small = {
    options: { seed: failed.seed, faults: [...failed.about] },
    violation: failed.violation ?? '',
  };
  const tried = async (options: RunOptions): Promise<boolean> => {
    const { violation } = await runWith(options, bug);
    if (violation !== null) small = { options, violation };
    return violation !== null;
  };
  for (let operations = 256; operations >= 1; operations = Math.floor(operations / 2)) {
    if (!(await tried({ ...small.options, operations }))) break;
  }
  let kinds: readonly FaultKind[] = small.options.faults ?? [];
  for (
    let size = Math.ceil(kinds.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let i = 0; i < kinds.length; ) {
      const fewer = [...kinds.slice(0, i), ...kinds.slice(i + size)];
      if (await tried({ ...small.options, faults: fewer })) kinds = fewer;
      else i += size;
    }
  }
  for (let operations = small.options.operations ?? 64; operations > 1; operations -= 1) {
    if (operations > 40) operations = 40;
    if (!(await tried({ ...small.options, operations: operations - 1 }))) break;
  }
  return small;
}

/** The one command that replays a run. */
export function commandOf({ seed, faults, operations }: RunOptions, bug: BugName | null): string {
  const parts = ['npm run sim --', `--seed ${seed}`];
  if (bug !== null) parts.push(`--bug ${bug}`);
  if (operations !== undefined) parts.push(`--operations ${operations}`);
  if (faults !== undefined) parts.push(`--faults ${faults.length === 0 ? 'none' : faults.join()}`);
  return parts.join(' ');
}
