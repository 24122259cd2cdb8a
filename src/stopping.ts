// How the parts of a process stop, within one time for all: stage after stage, the parts of one together.
//
//   S1. A stage begins when the one before it has ended: what answers is there until nobody asks any more.
//   S2. All stages share what a stop waits for things under way; each part is told how much of it is left.
//   S3. Beyond that each stage has a moment to close what it has. A part that has not ended by then is left, and told:
//       nothing is lost by it that was acknowledged, and whoever starts next goes on from the log.

import type { Clock } from './switch/ports.ts';

/** For each stage, after what is under way has had its time. */
export const CLOSING_MS = 4_000;

/** Parts by their names. `leftMs`: how long it may still wait for what is under way. */
export type Stage = Readonly<Record<string, (leftMs: number) => Promise<unknown>>>;

export async function stopAll(
  stages: readonly Stage[],
  of: {
    readonly clock: Pick<Clock, 'monotonic' | 'after'>;
    readonly drainMs: number;
    readonly onLate: (part: string) => void;
  },
): Promise<void> {
  const { clock, drainMs, onLate } = of;
  const until = clock.monotonic() + drainMs;
  for (const [index, stage] of stages.entries()) {
    const leftMs = Math.max(0, until - clock.monotonic());
    const endsInMs = until + CLOSING_MS * (index + 1) - clock.monotonic();
    const stops = Object.entries(stage).map(async ([part, stop]) => {
      const outcome = await Promise.race([
        stop(leftMs).then(() => 'ended'),
        after(clock, endsInMs),
      ]);
      if (outcome === 'late') onLate(part);
    });
    await Promise.all(stops);
  }
}

function after(clock: Pick<Clock, 'after'>, delayMs: number): Promise<'late'> {
  return new Promise((done) => {
    clock.after(delayMs, () => done('late'));
  });
}
