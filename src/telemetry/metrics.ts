// The metrics of one thread. What happens often is counted as it happens; what can be looked at (queues, residents,
// lags) is asked of the owner at each scrape, so that the core knows nothing of metrics. Each thread reads its own;
// scrape.ts makes one text of them.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { families } from './families.ts';
import {
  Counter,
  Histogram,
  LATENCY_BOUNDS,
  type Reading,
  reading,
  type Series,
  SIZE_BOUNDS,
} from './instruments.ts';

export type Snapshot = readonly Reading[];
export type Protocol = 'http' | 'ws' | 'batch';
export type AppendFailure = 'refused' | 'fenced' | 'unknown';

/** A shard's numbers, as its host tells them at a scrape. */
export interface ShardNumbers {
  readonly shard: number;
  /** `waiting`, `starting`, `serving`, `recovering`, `stopped`, in the owner's words. */
  readonly state: string;
  readonly commandsQueued: number;
  readonly commandsQueuedDeepest: number;
  readonly billsResident: number;
  readonly eventsPending: number;
  readonly transitionsUnwritten: number;
  readonly historyLaggedMs: number;
}

/** A gateway's numbers, as it tells them at a scrape. */
export interface GatewayNumbers {
  readonly requestsHeld: number;
  readonly requestsWaiting: number;
  readonly requestsDelayedMs: number;
  readonly requestsShed: number;
  readonly terminalConnections: number;
  readonly paychannelConnections: number;
}

/** The webhooks' numbers, as their sender tells them at a scrape. */
export interface WebhookNumbers {
  readonly pending: number;
  readonly breakersOpen: number;
}

/** A call to an acquirer, as whoever made it tells of it. */
export interface AcquirerCall {
  readonly acquirer: string;
  readonly driver: string;
  readonly operation: string;
  readonly outcome: string;
}

/** How many bills of an acquirer are polled. */
export interface AcquirerNumbers {
  readonly acquirer: string;
  readonly bills: number;
}

/** One route under one protocol; kept by whoever answers it. */
export interface RouteMetrics {
  answered(status: number, seconds: number): void;
}

export interface Metrics {
  /** The same object for the same route; make it once, outside the hot path. */
  route(protocol: Protocol, route: string): RouteMetrics;
  eventPushed(isAgain: boolean): void;
  /** By a close code of the few that there are. */
  connectionClosed(code: number): void;
  /** By which limit a request or a socket was refused: one of a few words. */
  requestLimited(limit: string): void;
  batchAppended(transitions: number, seconds: number): void;
  appendFailed(outcome: AppendFailure): void;
  transitionsCommitted(command: string, count: number): void;
  historyWritten(rows: number, seconds: number): void;
  historyFailed(reason: string): void;
  billsFetched(count: number): void;
  webhookSent(outcome: string, seconds: number): void;
  webhooksDied(count: number): void;
  acquirerCalled(call: AcquirerCall, seconds: number): void;
  driverLoaded(driver: string): void;
  driverAsked(driver: string, outcome: string): void;
  driverEnded(driver: string): void;
  workerEnded(): void;
  gatewayEnded(): void;
  /** From now on asked at each snapshot. */
  watchShards(numbers: () => readonly ShardNumbers[]): void;
  watchGateway(numbers: () => GatewayNumbers): void;
  watchWebhooks(numbers: () => WebhookNumbers): void;
  watchAcquirers(numbers: () => readonly AcquirerNumbers[]): void;
  /** All values now; plain, so that it may be posted to another thread. */
  snapshot(): Snapshot;
  close(): void;
}

/** How finely the event loop is watched; its timer's own interval is taken off again. */
const LOOP_RESOLUTION_MS = 10;
const LOOP_QUANTILES = [0.5, 0.99, 1];
const NS_PER_SECOND = 1e9;

/** Opens the metrics of the thread that calls. */
export function openMetrics(thread: string): Metrics {
  const counters = openCounters();
  // Told from the beginning: a rise from nothing to 1 is none to whoever asks for the increase.
  for (const ended of [counters.workersEnded, counters.gatewaysEnded]) ended.add('', () => ({}), 0);
  const histograms = openHistograms();
  const routes = openRoutes();
  const appendedSeconds = histograms.batchesAppendedSeconds.series();
  const appendedTransitions = histograms.batchesAppendedTransitions.series();
  const writtenSeconds = histograms.historyWrittenSeconds.series();
  const writtenRows = histograms.historyWrittenRows.series();
  const calls = openAcquirerCalls();
  const sentSeconds = histograms.webhooksSentSeconds.series();
  const loop = watchLoop(thread);
  let shards: () => readonly ShardNumbers[] = () => [];
  let gateway: (() => GatewayNumbers) | null = null;
  let webhooks: (() => WebhookNumbers) | null = null;

  return {
    route: routes.route,
    eventPushed: (isAgain) =>
      counters.eventsPushed.add(String(isAgain), () => ({ again: String(isAgain) })),
    connectionClosed: (code) => counters.connectionsClosed.add(String(code), () => ({ code })),
    requestLimited: (limit) => counters.requestsLimited.add(limit, () => ({ limit })),
    batchAppended(transitions, seconds) {
      appendedTransitions.observe(transitions);
      appendedSeconds.observe(seconds);
    },
    appendFailed: (outcome) => counters.appendsFailed.add(outcome, () => ({ outcome })),
    transitionsCommitted: (command, count) =>
      counters.transitionsCommitted.add(command, () => ({ command }), count),
    historyWritten(rows, seconds) {
      writtenRows.observe(rows);
      writtenSeconds.observe(seconds);
    },
    historyFailed: (reason) => counters.historyFailed.add(reason, () => ({ reason })),
    billsFetched: (count) => counters.billsFetched.add('', () => ({}), count),
    webhookSent(outcome, seconds) {
      counters.webhooksSent.add(outcome, () => ({ outcome }));
      sentSeconds.observe(seconds);
    },
    webhooksDied: (count) => counters.webhooksDied.add('', () => ({}), count),
    acquirerCalled: calls.called,
    // From nothing to 1 is no rise.
    driverLoaded: (driver) => counters.driversEnded.add(driver, () => ({ driver }), 0),
    driverAsked: (driver, outcome) =>
      counters.driversAsked.add(`${driver} ${outcome}`, () => ({ driver, outcome })),
    driverEnded: (driver) => counters.driversEnded.add(driver, () => ({ driver })),
    workerEnded: () => counters.workersEnded.add('', () => ({})),
    gatewayEnded: () => counters.gatewaysEnded.add('', () => ({})),
    watchShards(numbers) {
      shards = numbers;
    },
    watchGateway(numbers) {
      gateway = numbers;
    },
    watchWebhooks(numbers) {
      webhooks = numbers;
    },
    watchAcquirers: calls.watch,
    snapshot: () => [
      ...Object.values(counters).map((counter) => counter.read()),
      ...Object.values(histograms).map((histogram) => histogram.read()),
      ...routes.read(),
      ...readShards(shards()),
      ...readGateway(gateway === null ? null : gateway()),
      ...readWebhooks(webhooks === null ? null : webhooks()),
      ...calls.read(),
      ...loop.read(),
    ],
    close: loop.close,
  };
}

function openCounters() {
  return {
    eventsPushed: new Counter(families.eventsPushed),
    connectionsClosed: new Counter(families.connectionsClosed),
    requestsLimited: new Counter(families.requestsLimited),
    appendsFailed: new Counter(families.appendsFailed),
    transitionsCommitted: new Counter(families.transitionsCommitted),
    historyFailed: new Counter(families.historyFailed),
    billsFetched: new Counter(families.billsFetched),
    webhooksSent: new Counter(families.webhooksSent),
    webhooksDied: new Counter(families.webhooksDied),
    driversAsked: new Counter(families.driversAsked),
    driversEnded: new Counter(families.driversEnded),
    workersEnded: new Counter(families.workersEnded),
    gatewaysEnded: new Counter(families.gatewaysEnded),
  };
}

function openHistograms() {
  return {
    batchesAppendedSeconds: new Histogram(families.batchesAppendedSeconds, LATENCY_BOUNDS),
    batchesAppendedTransitions: new Histogram(families.batchesAppendedTransitions, SIZE_BOUNDS),
    historyWrittenSeconds: new Histogram(families.historyWrittenSeconds, LATENCY_BOUNDS),
    historyWrittenRows: new Histogram(families.historyWrittenRows, SIZE_BOUNDS),
    webhooksSentSeconds: new Histogram(families.webhooksSentSeconds, LATENCY_BOUNDS),
  };
}

function openAcquirerCalls() {
  const counter = new Counter(families.acquirerCalls);
  const histogram = new Histogram(families.acquirerCallsSeconds, LATENCY_BOUNDS);
  const series = new Map<string, Series>();
  let acquirers: () => readonly AcquirerNumbers[] = () => [];

  return {
    watch(numbers: () => readonly AcquirerNumbers[]): void {
      acquirers = numbers;
    },
    called(call: AcquirerCall, seconds: number): void {
      const { acquirer, operation, outcome } = call;
      counter.add(`${acquirer} ${operation} ${outcome}`, () => ({ ...call }));
      const key = `${acquirer} ${operation}`;
      let line = series.get(key);
      if (line === undefined) {
        line = histogram.series({ acquirer, operation });
        series.set(key, line);
      }
      line.observe(seconds);
    },
    read: (): Reading[] => [counter.read(), histogram.read(), readAcquirers(acquirers())],
  };
}

interface OpenRoute extends RouteMetrics {
  readonly labels: { readonly protocol: Protocol; readonly route: string };
  readonly byStatus: ReadonlyMap<number, number>;
}

function openRoutes() {
  const seconds = new Histogram(families.requestsAnsweredSeconds, LATENCY_BOUNDS);
  const open = new Map<string, OpenRoute>();

  return {
    route(protocol: Protocol, route: string): RouteMetrics {
      const key = `${protocol} ${route}`;
      let metrics = open.get(key);
      if (metrics === undefined) {
        metrics = openRoute({ protocol, route }, seconds.series({ protocol, route }));
        open.set(key, metrics);
      }
      return metrics;
    },
    read: (): Reading[] => [
      reading(
        families.requestsAnswered,
        [...open.values()].flatMap(({ labels, byStatus }) =>
          [...byStatus].map(([status, value]) => ({ labels: { ...labels, status }, value })),
        ),
      ),
      seconds.read(),
    ],
  };
}

function openRoute(labels: OpenRoute['labels'], series: Series): OpenRoute {
  const byStatus = new Map<number, number>();
  return {
    labels,
    byStatus,
    answered(status, seconds) {
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
      series.observe(seconds);
    },
  };
}

function readShards(shards: readonly ShardNumbers[]): Reading[] {
  const each = (value: (shard: ShardNumbers) => number) =>
    shards.map((shard) => ({ labels: { shard: shard.shard }, value: value(shard) }));
  const byState = new Map<string, number>();
  for (const { state } of shards) byState.set(state, (byState.get(state) ?? 0) + 1);

  return [
    reading(
      families.commandsQueued,
      each((shard) => shard.commandsQueued),
    ),
    reading(
      families.commandsQueuedDeepest,
      each((shard) => shard.commandsQueuedDeepest),
    ),
    reading(
      families.billsResident,
      each((shard) => shard.billsResident),
    ),
    reading(
      families.eventsPending,
      each((shard) => shard.eventsPending),
    ),
    reading(
      families.transitionsUnwritten,
      each((shard) => shard.transitionsUnwritten),
    ),
    reading(
      families.historyLaggedSeconds,
      each((shard) => shard.historyLaggedMs / 1000),
    ),
    reading(
      families.shardsOwned,
      [...byState].map(([state, value]) => ({ labels: { state }, value })),
    ),
  ];
}

function readGateway(gateway: GatewayNumbers | null): Reading[] {
  if (gateway === null) return [];
  return [
    reading(families.requestsHeld, [{ labels: {}, value: gateway.requestsHeld }]),
    reading(families.requestsWaiting, [{ labels: {}, value: gateway.requestsWaiting }]),
    reading(families.requestsDelayedSeconds, [
      { labels: {}, value: gateway.requestsDelayedMs / 1000 },
    ]),
    reading(families.requestsShed, [{ labels: {}, value: gateway.requestsShed }]),
    reading(families.connectionsHeld, [
      { labels: { kind: 'terminal' }, value: gateway.terminalConnections },
      { labels: { kind: 'paychannel' }, value: gateway.paychannelConnections },
    ]),
  ];
}

function readWebhooks(webhooks: WebhookNumbers | null): Reading[] {
  if (webhooks === null) return [];
  return [
    reading(families.webhooksPending, [{ labels: {}, value: webhooks.pending }]),
    reading(families.webhookBreakersOpen, [{ labels: {}, value: webhooks.breakersOpen }]),
  ];
}

function readAcquirers(acquirers: readonly AcquirerNumbers[]): Reading {
  return reading(
    families.acquirerBillsPolled,
    acquirers.map(({ acquirer, bills }) => ({ labels: { acquirer }, value: bills })),
  );
}

/** Reading it begins a new period: two scrapers would halve each other's view. */
function watchLoop(thread: string) {
  const monitor = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  monitor.enable();

  return {
    read(): Reading[] {
      const delays = LOOP_QUANTILES.map((quantile) => ({
        labels: { thread, quantile },
        value: lateness(quantile === 1 ? monitor.max : monitor.percentile(quantile * 100)),
      }));
      monitor.reset();
      return [
        reading(families.loopsDelayedSeconds, delays),
        reading(families.heapsUsedBytes, [
          { labels: { thread }, value: getHeapStatistics().used_heap_size },
        ]),
      ];
    },
    close(): void {
      monitor.disable();
    },
  };
}

function lateness(intervalNs: number): number {
  return Math.max(0, intervalNs / NS_PER_SECOND - LOOP_RESOLUTION_MS / 1000);
}
