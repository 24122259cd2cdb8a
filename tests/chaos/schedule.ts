// Which fault comes when, all of it from one seed: rounds in which every kind comes once, in an order of its own. From
// the second round on some faults come two at a time.

import { Random } from '../simulation/random.ts';
import { faults } from './faults.ts';

export interface Planned {
  readonly kinds: readonly string[];
  /** How long each lasts, ms. */
  readonly ms: readonly number[];
  /** Quiet before it, ms. */
  readonly restMs: number;
  readonly round: number;
  /** For the fault's own choices. */
  readonly seed: number;
}

const REST_MS = [200, 700] as const;
const TOGETHER = 0.25;

/** Faults without end; a run takes as many as it has time for, the first round whole. */
export function* schedule(seed: number, kinds: readonly string[]): Generator<Planned> {
  const random = new Random(seed, 3);
  for (let round = 1; ; round++) {
    const order = shuffled(kinds, random);
    while (order.length > 0) {
      const count = round > 1 && random.chance(TOGETHER) ? 2 : 1;
      const chosen = together(order.splice(0, count));
      yield {
        kinds: chosen,
        ms: chosen.map((kind) => random.between(...(faults[kind]?.lasts ?? [0, 0]))),
        restMs: random.between(...REST_MS),
        round,
        seed: random.next(),
      };
    }
  }
}

export function describe({ kinds, ms, restMs, round }: Planned): string {
  const each = kinds.map((kind, index) => `${kind} (${ms[index]} ms)`);
  return `round ${round}, after ${restMs} ms: ${each.join(' and ')}`;
}

/** What stops or starts the same process comes one at a time: one of the two is left out. */
function together(chosen: readonly string[]): string[] {
  const [first, second] = chosen;
  if (first === undefined) return [];
  if (second === undefined || victimOf(first) === victimOf(second)) return [first];
  if ([first, second].some((kind) => victimOf(kind) === 'all')) return [first];
  return [first, second];
}

function victimOf(kind: string): string {
  return kind.split(/[ :]/)[0] ?? '';
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const left = [...items];
  const order: Item[] = [];
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1));
  return order;
}
