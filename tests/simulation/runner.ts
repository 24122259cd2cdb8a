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
  'fact BillOpened',
  'fact BillFailed',
  'fact AcquiringBegun',
  'bank paid',
  'bank asked first',
  'bank gives back by hand',
  'bank refund done',
  'bank cancel done',
  'hook posted',
  'hook tried again',
  'hook caught up',
  'hook taken again',
  'hook owed by a letter',
  'hook letter settled',
  'hook dead',
  'hook resent',
  'hook log webhook.leftAlone',
  'hook told again by webhook',
  'hook told again by memory',
  'hook told again by history',
  ...['read to posted', 'read to both', 'posted to read', 'posted to both', 'both to read'].map(
    (way) => `hook way from ${way}`,
  ),
  'acquirer.resumed',
  'acquirer.notResumed',
  'history explained',
  'history of a code explained',
  'sticker armed',
  'sale replaced',
  'arm driven on',
  'arm 201',
  'arm 200',
  'arm 409',
  'arm 504',
  'fact ArmingGivenUp',
  'rejected bill.notArmable',
  'hold honoured',
  'stale write refused',
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
  'report history.shardOvertaken',
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
  'fact PaymentConfirmed',
  'fact PartsLetGo',
  'fact PartsRecalled',
  'payment recalled',
  'event recalled',
  'payment came back',
  'event came back',
  'rejected payment.outOfRange',
  'rejected payment.notConfirmable',
  'rejected payment.notRefundable',
  'rejected refund.paymentRequired',
  'reply paymentNow',
  'fact StayCharged',
  'stayed on',
  'quote honoured',
  'rejected quote.expired',
  'rejected payment.tipForbidden',
  'rejected payment.tipExceedsMax',
  'reversal of a tip',
  'refund of a tip',
  'fact CreditRequestedAgain',
  'fact CreditReturnedOtherwise',
  'fact EventResent',
  'rejected credit.notRejected',
];

export interface Small {
  readonly options: RunOptions;
  readonly violation: string;
}

/** The same seed with as few operations and kinds of faults as still fail. */
export async function shrink(failed: RunResult, bug: BugName | null): Promise<Small> {
  const shrinking = new Shrinking(failed, bug);
  await shrinking.fewerOperations([256, 128, 64, 32, 16, 8, 4, 2, 1]);
  await shrinking.fewerFaults();
  await shrinking.fewerOperations(Array.from({ length: 40 }, (_, i) => 40 - i));
  return shrinking.small;
}

class Shrinking {
  small: Small;
  readonly #bug: BugName | null;

  constructor(failed: RunResult, bug: BugName | null) {
    const options = { seed: failed.seed, faults: [...failed.about] };
    this.small = { options, violation: failed.violation ?? '' };
    this.#bug = bug;
  }

  /** Tries smaller and smaller numbers until the run no longer fails. */
  async fewerOperations(numbers: readonly number[]): Promise<void> {
    const most = this.small.options.operations ?? Number.POSITIVE_INFINITY;
    for (const operations of numbers.filter((number) => number < most)) {
      if (!(await this.#fails({ ...this.small.options, operations }))) return;
    }
  }

  /** Leaves out kinds of faults: half of them at a time, then fewer and fewer. */
  async fewerFaults(): Promise<void> {
    for (const part of [2, 4, 8, 64]) {
      let at = 0;
      for (let kinds = this.#kinds; at < kinds.length; kinds = this.#kinds) {
        const size = Math.ceil(kinds.length / part);
        const fewer = [...kinds.slice(0, at), ...kinds.slice(at + size)];
        if (!(await this.#fails({ ...this.small.options, faults: fewer }))) at += size;
      }
    }
  }

  get #kinds(): readonly FaultKind[] {
    return this.small.options.faults ?? [];
  }

  async #fails(options: RunOptions): Promise<boolean> {
    const { violation } = await runWith(options, this.#bug);
    if (violation !== null) this.small = { options, violation };
    return violation !== null;
  }
}

/** The one command that replays a run. */
export function commandOf({ seed, faults, operations }: RunOptions, bug: BugName | null): string {
  const parts = ['npm run sim --', `--seed ${seed}`];
  if (bug !== null) parts.push(`--bug ${bug}`);
  if (operations !== undefined) parts.push(`--operations ${operations}`);
  if (faults !== undefined) parts.push(`--faults ${faults.length === 0 ? 'none' : faults.join()}`);
  return parts.join(' ');
}
