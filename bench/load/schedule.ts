// When lifecycles begin: drawn before the run, so that nothing that happens in it moves them.

/** Times in ms from the start, rising, of arrivals that know nothing of one another (a Poisson process). */
export function drawSchedule(
  ratePerSecond: number,
  durationMs: number,
  random: () => number,
): Float64Array {
  const times: number[] = [];
  const meanGapMs = 1000 / ratePerSecond;
  for (let at = 0; ; ) {
    // 1 - random() is never 0.
    at -= Math.log(1 - random()) * meanGapMs;
    if (at >= durationMs) return Float64Array.from(times);
    times.push(at);
  }
}
