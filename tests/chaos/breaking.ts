// Breaks things by the schedule of the seed, one after the other, and measures how long nothing was acknowledged.

import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../simulation/random.ts';
import { faults, faultsFor } from './faults.ts';
import { forger } from './forger.ts';
import { type Memory, now } from './memory.ts';
import { describe, type Planned, schedule } from './schedule.ts';
import type { Stage, StoresName } from './stage.ts';
import type { Story } from './story.ts';

/** One fault that came, and what it cost. */
export interface Happened {
  readonly kinds: readonly string[];
  /** The longest time in which no change was acknowledged, from the fault to the first one after it, ms. */
  readonly gapMs: number;
  /** From the end of the fault to the first acknowledged change, ms. */
  readonly recoveryMs: number;
}

export interface Storm {
  readonly stores: StoresName;
  readonly seed: number;
  readonly seconds: number;
  /** Only these faults. */
  readonly kinds?: readonly string[];
}

const FAULT_MS_MAX = 90_000;
const RECOVERY_MS_MAX = 60_000;
const LOOK_MS = 20;
const FORGED_MS = 2_000;

export async function breakThings(
  stage: Stage,
  memory: Memory,
  options: Storm,
  story: Story,
): Promise<Happened[]> {
  const kinds = options.kinds ?? faultsFor(options.stores);
  const until = now() + options.seconds * 1e6;
  const happened: Happened[] = [];
  for (const planned of kinds.length === 0 ? [] : schedule(options.seed, kinds)) {
    if (now() > until && planned.round > 1) break;
    await pause(planned.restMs);
    story.tell(describe(planned));
    const began = now();
    await inTime(inject(stage, planned), FAULT_MS_MAX, `${planned.kinds.join(' and ')} hangs`);
    const healed = now();
    await untilAcknowledged(memory, healed);
    const first = memory.acknowledgedAt.find((at) => at > healed) ?? now();
    happened.push({
      kinds: planned.kinds,
      gapMs: longestGap(memory.acknowledgedAt, began, first) / 1_000,
      recoveryMs: (first - healed) / 1_000,
    });
    await untilReady(stage);
  }
  const left = Math.max(0, until - now()) / 1_000;
  await pause(left);
  return happened;
}

async function inject(stage: Stage, { kinds, ms, seed }: Planned): Promise<void> {
  const injected = kinds.map(async (kind, index) => {
    await faults[kind]?.inject(stage, ms[index] ?? 0, new Random(seed, index));
  });
  await Promise.all(injected);
}

async function untilAcknowledged(memory: Memory, after: number): Promise<void> {
  const limit = now() + RECOVERY_MS_MAX * 1_000;
  while ((memory.acknowledgedAt.at(-1) ?? 0) <= after) {
    if (now() > limit) throw new Error(`no change was acknowledged for ${RECOVERY_MS_MAX} ms`);
    await pause(LOOK_MS);
  }
}

export async function untilReady(stage: Stage): Promise<void> {
  const limit = now() + RECOVERY_MS_MAX * 1_000;
  while (!(await stage.isReady())) {
    if (now() > limit) {
      throw new Error(
        `not every shard serves after ${RECOVERY_MS_MAX} ms\n${stage.process.tail()}`,
      );
    }
    await pause(LOOK_MS);
  }
}

function longestGap(instants: readonly number[], from: number, to: number): number {
  let longest = 0;
  let before = from;
  for (const at of instants) {
    if (at <= from) continue;
    longest = Math.max(longest, Math.min(at, to) - before);
    before = at;
    if (at >= to) break;
  }
  return longest;
}

/**
 * After half of the time a liar sits on the link to Redis. What it has acknowledged must not reach Postgres by another
 * way, so that link is down meanwhile; then the switch starts anew on what is really there.
 */
export async function forge(stage: Stage, seconds: number): Promise<void> {
  const { redis, postgres: history } = stage.links;
  if (redis === null) throw new Error('only appends to Redis can be forged');
  await pause((seconds * 1_000) / 2);
  history.weather = 'stalled';
  redis.rewrite = forger();
  await pause(FORGED_MS);
  await stage.killSwitch();
  redis.rewrite = null;
  history.cut('reset');
  history.heal();
  await stage.startSwitch();
}

async function inTime<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_done, failed) => {
    timer = setTimeout(() => failed(new Error(what)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
