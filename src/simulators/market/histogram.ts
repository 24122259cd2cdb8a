// Latencies, so many that only counts are kept: each is known to within 3 %.

/** Buckets a doubling. */
const FINENESS = 32;

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export class Histogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #max = 0;

  /** Milliseconds; less than a microsecond counts as one. */
  add(ms: number): void {
    const bucket = Math.ceil(Math.log2(Math.max(1, ms * 1_000)) * FINENESS);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#max = Math.max(this.#max, ms);
  }

  /** What so many of a hundred stay below, in milliseconds; 0 where there are none. */
  percentile(percent: number): number {
    let below = (this.#count * percent) / 100;
    for (const [bucket, count] of [...this.#counts].sort(([left], [right]) => left - right)) {
      below -= count;
      if (below <= 0) return Math.min(this.#max, 2 ** (bucket / FINENESS) / 1_000);
    }
    return this.#max;
  }

  latencies(): Latencies {
    return {
      count: this.#count,
      p50: rounded(this.percentile(50)),
      p90: rounded(this.percentile(90)),
      p99: rounded(this.percentile(99)),
      max: rounded(this.#max),
    };
  }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
