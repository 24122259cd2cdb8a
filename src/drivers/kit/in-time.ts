// Waits for a call whose answer never comes: the kit's time passes until the driver has given up.

import { CheckFailed } from './check.ts';
import type { KitClock } from './kit-clock.ts';

const STEP_MS = 1_000;
/** In which a driver that tries again gets to its acquirer, who is on this machine. */
const TURN_MS = 5;
/** Who has not given up by then waits for ever. */
const FOREVER_MS = 600_000;

/** Time passes little by little, so that what the driver does in between takes none. Throws where it takes more than it may. */
export async function inTime<Answer>(
  asked: Promise<Answer>,
  clock: KitClock,
  mostMs: number,
): Promise<Answer> {
  let isAnswered = false;
  const answered = (): void => {
    isAnswered = true;
  };
  asked.then(answered, answered);
  let passedMs = 0;
  for (; !isAnswered && passedMs < FOREVER_MS; passedMs += STEP_MS) {
    clock.pass(STEP_MS);
    await new Promise((go) => setTimeout(go, TURN_MS));
  }
  if (!isAnswered) throw new CheckFailed('it waits for an answer for ever');
  if (passedMs <= mostMs) return asked;
  throw new CheckFailed(`it waits ${passedMs / 1_000} s for an answer, and may ${mostMs / 1_000}`);
}
