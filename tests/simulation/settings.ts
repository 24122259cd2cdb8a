// What kind of world a seed makes: how big, how tight, and with which faults about.

import type { ShardId } from '../../src/domain/ids.ts';
import { DAY_MS, SECOND_MS } from '../../src/domain/time.ts';
import { FAULT_KINDS, type FaultKind } from './dice.ts';
import type { NodeSettings } from './node.ts';
import { Random } from './random.ts';

export interface RunOptions {
  readonly seed: number;
  /** Fault kinds that may be about; all where left out. */
  readonly faults?: readonly FaultKind[];
  /** Operations that all clients together may begin. */
  readonly operations?: number;
  /** What is not left to the seed. */
  readonly given?: Partial<Settings>;
  /** Shards may stop for good: what is left must come right without them. */
  readonly mayStop?: boolean;
  /** Told line by line what happens. */
  readonly trace?: (line: string) => void;
}

export interface Settings extends NodeSettings {
  readonly nodes: number;
  readonly terminals: number;
  readonly wallets: number;
  readonly operations: number;
  readonly faults: ReadonlySet<FaultKind>;
  /** Whether tills make static bills too. */
  readonly hasStatic: boolean;
  /** Whether tills make timer bills too. */
  readonly hasTimer: boolean;
  /** Whether tills arm stickers too. */
  readonly hasSticker: boolean;
  /** Whether tills make bills at a bank too. */
  readonly hasBank: boolean;
  /** Whether tills and wallets have their events posted to them. */
  readonly hasWebhook: boolean;
  /** For how many times five seconds what is at the bank may take to come right in fair weather. */
  readonly quietRoundsMax: number;
  /** Whether an operator deals with complaints, after a month as well. */
  readonly hasOperator: boolean;
  /** A wallet that floods bills with references, so that they spill. */
  readonly hasFlood: boolean;
  /** Writes go to the owner alone, and somebody keeps reading everywhere: who is deposed does not notice. */
  readonly hasPoller: boolean;
  /** For how long faults strike, in simulated ms. */
  readonly stormMs: number;
  readonly longSleepMs: number;
}

export function drawSettings(random: Random, options: RunOptions): Settings {
  const hasFlood = random.chance(0.2);
  const operations = random.pick([40, 100, 200, 300]);
  const settings = {
    shards: Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, i) => i as ShardId),
    limits: {
      underWayMax: random.pick([8, 1_000, 1_000]),
      mailboxMax: random.pick([2, 200, 200]),
      unwrittenMax: random.pick([10, 1_000, 1_000]),
      unwrittenInAllMax: 2_000,
      residentsMax: random.pick([4, 1_000, 1_000]),
      filterOrdersMax: random.pick([3, 1_000]),
    },
    restMs: random.pick([0, 100, 500]),
    idleMs: random.pick([0, 200, 1_000, 3_000]),
    shortEpochs: random.chance(0.2),
    nodes: random.pick([1, 2, 2, 2]),
    terminals: random.pick([1, 2, 3]),
    wallets: random.pick([2, 3]),
    operations: Math.min(operations, options.operations ?? Number.POSITIVE_INFINITY),
    faults: new Set(options.faults ?? FAULT_KINDS),
    hasFlood,
    hasPoller: random.chance(0.2),
    stormMs: random.between(5, 30) * SECOND_MS,
    longSleepMs: random.pick([3_600 * SECOND_MS, DAY_MS + 5 * SECOND_MS, 2 * DAY_MS]),
  };
  const hasStatic = random.chance(0.2);
  const logTrimsItself = random.chance(0.5);
  const hasTimer = random.chance(0.15);
  const hasSticker = random.chance(0.12);
  const hasOperator = options.given?.hasOperator ?? random.chance(0.12);
  const longSleepMs = hasOperator ? random.pick([2, 365]) * DAY_MS : settings.longSleepMs;
  // A complaint needs a sale, what went wrong with it, and somebody's time.
  const more = hasOperator ? { operations: Math.min(200, options.operations ?? 200) } : {};
  // By a stream of its own: worlds without a bank are as they were. An operator's year is longer than a bank is watched.
  const isFit = !hasOperator && !hasSticker;
  const isWithBank = new Random(options.seed, 11).chance(0.06) && isFit;
  const hasBank = options.given?.hasBank ?? isWithBank;
  const isHooked = new Random(options.seed, 19).chance(0.06) && !hasOperator;
  const hasWebhook = options.given?.hasWebhook ?? isHooked;
  const barred = [...(hasBank ? CLOCK_JUMPS : []), ...(hasWebhook ? WAITS : [])];
  const faults = without(settings.faults, barred);
  const others = { hasStatic, hasTimer, hasSticker, hasOperator, hasBank, logTrimsItself, faults };
  const atBank = { quietRoundsMax: 150, hasWebhook };
  // Somebody must have been told of something, and have had time to be away.
  const busy = hasWebhook
    ? { operations: Math.max(settings.operations, Math.min(200, options.operations ?? 200)) }
    : {};
  const told = { ...atBank, ...busy, ...more };
  return { ...settings, ...others, ...told, longSleepMs, ...options.given };
}

/** How long ago a call was sent is judged by the clock: where it jumps, no driver can know. */
const CLOCK_JUMPS: readonly FaultKind[] = ['clock.forward', 'clock.back'];

/** After three days an event is given up. */
const WAITS: readonly FaultKind[] = ['clock.forward', 'clock.back', 'process.longSleep'];

function without(kinds: ReadonlySet<FaultKind>, others: readonly FaultKind[]): Set<FaultKind> {
  return new Set([...kinds].filter((kind) => !others.includes(kind)));
}
