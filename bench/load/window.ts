// The measured part of a load: what comes before warms up, what comes after only ends.

import { pause } from './latencies.ts';
import type { LoadTask } from './messages.ts';

/** Who hears of the window. */
export interface WindowListener {
  windowOpened(): void;
  windowClosed(): void;
}

/**
 * Lets the load warm up, opens the window and closes it. `measuring` is told at both ends. Resolves with how long it was
 * open, in ms; rejects as soon as `failed` does.
 */
export async function throughWindow(
  { warmUpMs, measureMs }: LoadTask,
  on: WindowListener,
  failed: Promise<never>,
  measuring: (isMeasuring: boolean) => void,
): Promise<number> {
  await Promise.race([pause(warmUpMs), failed]);
  measuring(true);
  const openedAt = performance.now();
  on.windowOpened();
  await Promise.race([pause(measureMs), failed]);
  measuring(false);
  const windowMs = performance.now() - openedAt;
  on.windowClosed();
  return windowMs;
}
