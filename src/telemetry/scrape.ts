// One text for Prometheus out of the snapshots of all threads. Counters must never go back, or rates lie: a thread that
// died, or does not answer now, goes on counting with what it told last, while its gauges are left out.

import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { Snapshot } from './metrics.ts';

export class Scrape {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #process = new Registry();
  readonly #lastByThread = new Map<string, Snapshot>();
  #gone: Snapshot = [];

  constructor() {
    collectDefaultMetrics({ register: this.#process });
    // Ours tell the loops of all threads; these know one, and print NaN in a spelling of their own.
    for (const { name } of this.#process.getMetricsAsArray()) {
      if (name.startsWith('nodejs_eventloop_lag')) this.#process.removeSingleMetric(name);
    }
  }

  /** The thread has ended; another may begin under its name and count from zero. */
  retire(thread: string): void {
    const last = this.#lastByThread.get(thread);
    if (last === undefined) return;
    this.#lastByThread.delete(thread);
    this.#gone = merged([this.#gone, counted(last)]);
  }

  /** The text that `/metrics` answers, given what the threads have told just now, and the process's own metrics. */
  async text(snapshots: ReadonlyMap<string, Snapshot>): Promise<string> {
    const silent = [...this.#lastByThread].filter(([thread]) => !snapshots.has(thread));
    for (const [thread, snapshot] of snapshots) this.#lastByThread.set(thread, snapshot);
    const all = [
      ...snapshots.values(),
      ...silent.map(([, snapshot]) => counted(snapshot)),
      this.#gone,
    ];
    const ours = await AggregatorRegistry.aggregate(all.map((snapshot) => [...snapshot])).metrics();
    return `${ours}\n${await this.#process.metrics()}`;
  }
}

function counted(snapshot: Snapshot): Snapshot {
  return snapshot.filter((reading) => reading.type !== 'gauge');
}

/** Several snapshots of counters and histograms as one, so that what is gone does not grow with every death. */
function merged(snapshots: readonly Snapshot[]): Snapshot {
  const byName = new Map<string, Map<string, Snapshot[number]['values'][number]>>();
  const shapes = new Map<string, Snapshot[number]>();
  for (const reading of snapshots.flat()) {
    shapes.set(reading.name, reading);
    const values = byName.get(reading.name) ?? new Map();
    byName.set(reading.name, values);
    for (const one of reading.values) {
      const key = `${one.metricName} ${JSON.stringify(one.labels)}`;
      values.set(key, { ...one, value: (values.get(key)?.value ?? 0) + one.value });
    }
  }
  return [...shapes.values()].map((shape) => ({
    ...shape,
    values: [...(byName.get(shape.name)?.values() ?? [])],
  }));
}
