// The end of a run: books are compared until they agree or until the switch has had its time, since its lists follow what
// it answers by some milliseconds.

import { setTimeout as pause } from 'node:timers/promises';
import type { Hearing } from './hearing.ts';
import type { Findings, MarketOptions, Report } from './options.ts';
import type { Party } from './party.ts';
import type { Tally } from './tally.ts';

const AGAIN_MS = 100;
/** Lists that do not come to show what was told by then are wrong. */
const LAG_MS = 60_000;
/** What no answer told of may have come to be somewhat before the first that one did. */
const BEFORE_MS = 60_000;

interface Closed {
  /** One for all parties, or one each. */
  readonly hearings: readonly Hearing[];
  readonly parties: readonly Party[];
  readonly tally: Tally;
}

/** `from`: what has begun since then is compared. */
type Compare = (from: string) => Promise<Findings>;

export async function closing(
  graceMs: number,
  closed: Closed,
  compare: Compare,
): Promise<Findings> {
  const latest = performance.now() + LAG_MS;
  let until = Number.POSITIVE_INFINITY;
  for (;;) {
    const { isBehind, ...findings } = await attempt(closed, compare);
    const now = performance.now();
    if (!isBehind) until = Math.min(until, now + graceMs);
    if (findings.differences.length === 0 || now > Math.min(until, latest)) {
      const { contradictions } = closed.tally;
      return { ...findings, differences: [...contradictions, ...findings.differences] };
    }
    await pause(AGAIN_MS);
  }
}

async function attempt(
  { hearings, parties, tally }: Closed,
  compare: Compare,
): Promise<Findings & { readonly isBehind: boolean }> {
  const { earliest } = tally;
  if (earliest === undefined) return { asOf: 0, compared: {}, differences: [], isBehind: false };
  try {
    const { asOf, compared, differences } = await compare(
      new Date(earliest - BEFORE_MS).toISOString(),
    );
    if (asOf < tally.latest) {
      const [reached, told] = [asOf, tally.latest].map((at) => new Date(at).toISOString());
      const behind = `lists are as of ${reached}, and ${told} was told`;
      return { asOf, compared, differences: [behind], isBehind: true };
    }
    const left = await Promise.all(parties.map((party) => party.pending()));
    const unheard = left
      .flat()
      .filter((id) => hearings.some((hearing) => hearing.has(id)))
      .map((id) => `event ${id} stays pending, acknowledged as it was`);
    return { asOf, compared, differences: [...differences, ...unheard], isBehind: false };
  } catch (error) {
    const { message } = error as Error;
    const hidden = `the switch shows no books: ${message}`;
    return { asOf: 0, compared: {}, differences: [hidden], isBehind: true };
  }
}

export function report(of: {
  readonly simulated: Report['simulated'];
  readonly options: MarketOptions;
  readonly tally: Tally;
  readonly began: number;
  readonly findings: Findings;
}): Report {
  const { simulated, options, tally, began, findings } = of;
  return {
    simulated,
    run: options.run,
    seed: options.seed,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    done: tally.doneSoFar,
    faults: tally.faultsSoFar,
    calls: tally.calls(),
    lateMs: tally.lateness.latencies(),
    books: {
      agree: findings.differences.length === 0,
      compared: findings.compared,
      differences: findings.differences,
    },
  };
}
