// A simulator's time. Given as an argument, so that a test's bank lives by the test's clock.

export interface SimulatorClock {
  /** Milliseconds since 1970. */
  wall(): number;
  /** Calls back once after at least `delayMs`; the function returned cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The longest that one timer of Node.js lasts. */
const TIMER_MAX_MS = 2_147_483_647;

/** The machine's own. Its timers keep no process alive: a simulator lives as long as its socket. */
export const machineClock: SimulatorClock = {
  wall: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, TIMER_MAX_MS)).unref();
    return () => clearTimeout(timer);
  },
};
