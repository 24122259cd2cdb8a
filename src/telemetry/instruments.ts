// Counters and histograms for the hot path. A labelled observation of prom-client costs 0.8 µs, which six requests of a
// lifecycle would feel; here a series is looked up once, and an observation is an index and two additions. What they
// counted is told in the form that prom-client merges and prints.

import type { Family } from './families.ts';

export type Labels = Readonly<Record<string, string | number>>;

/** One family with its values, plain, so that it can cross to the thread that answers a scrape. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: Family['type'];
  readonly aggregator: Family['merged'];
  readonly values: readonly {
    readonly labels: Labels;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

/** Upper bounds in seconds: from half a millisecond to the longest that anybody waits. */
export const LATENCY_BOUNDS = [
  0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30,
];
/** Upper bounds of batch sizes and row counts. */
export const SIZE_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16_384];

export class Counter {
  readonly #family: Family;
  readonly #series = new Map<string, { labels: Labels; value: number }>();

  constructor(family: Family) {
    this.#family = family;
  }

  add(key: string, labels: () => Labels, by = 1): void {
    const series = this.#series.get(key);
    if (series === undefined) this.#series.set(key, { labels: labels(), value: by });
    else series.value += by;
  }

  read(): Reading {
    return reading(
      this.#family,
      [...this.#series.values()].map((series) => ({ ...series })),
    );
  }
}

/** One labelled line of a histogram. */
export class Series {
  readonly labels: Labels;
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? Number.POSITIVE_INFINITY)) at++;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  values(name: string): Reading['values'] {
    let count = 0;
    const buckets = [...this.#bounds, '+Inf'].map((le, at) => {
      count += this.#counts[at] ?? 0;
      return { labels: { le, ...this.labels }, value: count, metricName: `${name}_bucket` };
    });
    return [
      ...buckets,
      { labels: this.labels, value: this.#sum, metricName: `${name}_sum` },
      { labels: this.labels, value: count, metricName: `${name}_count` },
    ];
  }
}

export class Histogram {
  readonly #family: Family;
  readonly #bounds: readonly number[];
  readonly #series: Series[] = [];

  constructor(family: Family, bounds: readonly number[]) {
    this.#family = family;
    this.#bounds = bounds;
  }

  /** A new line of the histogram; the caller keeps it and makes each set of labels once. */
  series(labels: Labels = {}): Series {
    const series = new Series(labels, this.#bounds);
    this.#series.push(series);
    return series;
  }

  read(): Reading {
    return reading(
      this.#family,
      this.#series.flatMap((series) => series.values(this.#family.name)),
    );
  }
}

export function reading(family: Family, values: Reading['values']): Reading {
  return {
    name: family.name,
    help: family.help,
    type: family.type,
    aggregator: family.merged,
    values,
  };
}
