// A start believes its machine's clock at once, and what it writes into the log binds its shards: begun a day ahead for half
// a minute, they would stay a day ahead for days, and every open bill would end. So nothing is begun before this clock and
// Postgres's agree. Where Postgres runs on the same machine they are one clock, and always do.

import { MINUTE_MS, SECOND_MS } from './domain/time.ts';
import type { Clock } from './switch/ports.ts';
import type { Logger } from './telemetry/log.ts';

/** Clocks that are kept right differ by far less; no bill ends sooner than after a minute. */
const APART_MAX_MS = MINUTE_MS;
const ASK_AGAIN_MS = 5 * SECOND_MS;

export interface Agreeing {
  readonly clock: Pick<Clock, 'after'>;
  /** As `howApart`, once Postgres answers. */
  readonly compare: () => Promise<string | null>;
  readonly logger: Logger;
  /** Called once, where the clocks are apart, with how: begins what is to be while it waits, and answers what ends that. */
  readonly whileApart: (how: string) => Promise<() => Promise<void>>;
}

/** Resolves once the clocks agree. */
export async function agreeOnTime(agreeing: Agreeing): Promise<void> {
  const { clock, compare, logger, whileApart } = agreeing;
  let told = await compare();
  if (told === null) return;
  const done = await whileApart(told);
  try {
    for (let how: string | null = told; how !== null; how = await compare()) {
      told = how;
      logger.warn({ what: 'clock.disagrees', reason: `${how}. ${WHAT_TO_DO}` }, 'clock.disagrees');
      await new Promise<void>((goOn) => clock.after(ASK_AGAIN_MS, goOn));
    }
  } finally {
    await done();
  }
  logger.info({ what: 'clock.agrees', reason: `it no longer is so: ${told}` }, 'clock.agrees');
}

const WHAT_TO_DO =
  'One of the two is wrong, and bills would end by it: nobody is served before they are within a minute of each other. ' +
  'Set the wrong one right (timedatectl, chronyc makestep), here or where Postgres runs; the start goes on by itself.';

/**
 * How the clocks are apart; null: they agree. Postgres has read its own at some time between the question and the answer,
 * so what waits for a Postgres that is away asks anew.
 */
export async function howApart(
  clock: Pick<Clock, 'wall'>,
  readPostgresClock: () => Promise<number>,
): Promise<string | null> {
  const before = clock.wall();
  const theirs = await readPostgresClock();
  const aheadMs = before - theirs;
  const behindMs = theirs - clock.wall();
  if (Math.max(aheadMs, behindMs) <= APART_MAX_MS) return null;
  const [ms, where] = aheadMs > behindMs ? [aheadMs, 'ahead of'] : [behindMs, 'behind'];
  return `this machine’s clock is ${Math.round(ms / SECOND_MS)} s ${where} Postgres’s`;
}
