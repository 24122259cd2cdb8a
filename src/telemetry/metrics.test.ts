import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { families } from './families.ts';
import { type Metrics, openMetrics, type ShardNumbers, type Snapshot } from './metrics.ts';
import { Scrape } from './scrape.ts';

const opened: Metrics[] = [];
afterEach(() => {
  for (const metrics of opened.splice(0)) metrics.close();
});

describe('the metrics of a thread', () => {
  test('count requests by route and status, and how long they took', async () => {
    const metrics = open('gateway-1');
    const route = metrics.route('http', 'bill.create');

    route.answered(201, 0.0004);
    route.answered(201, 0.004);
    route.answered(409, 60);

    const lines = await linesOf(metrics, 'qrswitch_requests_answered');
    expect(lines).toMatchInlineSnapshot(`
      [
        "qrswitch_requests_answered_total{protocol="http",route="bill.create",status="201"} 2",
        "qrswitch_requests_answered_total{protocol="http",route="bill.create",status="409"} 1",
        "qrswitch_requests_answered_seconds_bucket{le="0.0005",protocol="http",route="bill.create"} 1",
        "qrswitch_requests_answered_seconds_bucket{le="0.001",protocol="http",route="bill.create"} 1",
        "qrswitch_requests_answered_seconds_bucket{le="0.002",protocol="http",route="bill.create"} 1",
        "qrswitch_requests_answered_seconds_bucket{le="0.005",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.01",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.02",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.05",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.1",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.2",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="0.5",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="1",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="2",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="5",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="10",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="30",protocol="http",route="bill.create"} 2",
        "qrswitch_requests_answered_seconds_bucket{le="+Inf",protocol="http",route="bill.create"} 3",
        "qrswitch_requests_answered_seconds_sum{protocol="http",route="bill.create"} 60.0044",
        "qrswitch_requests_answered_seconds_count{protocol="http",route="bill.create"} 3",
      ]
    `);
  });

  test('give one object for one route', () => {
    const metrics = open('gateway-1');

    expect(metrics.route('ws', 'bill.get')).toBe(metrics.route('ws', 'bill.get'));
    expect(metrics.route('ws', 'bill.get')).not.toBe(metrics.route('http', 'bill.get'));
  });

  test('count calls to acquirers by what came of them, and time them by acquirer and operation', async () => {
    const metrics = open('acquirers');
    const call = { acquirer: 'shop', driver: 'tbank', operation: 'look' };
    metrics.acquirerCalled({ ...call, outcome: 'done' }, 0.003);
    metrics.acquirerCalled({ ...call, outcome: 'done' }, 0.003);
    metrics.acquirerCalled({ ...call, outcome: 'unknown' }, 20);

    const labels = 'acquirer="shop",driver="tbank",operation="look"';
    expect(await linesOf(metrics, 'qrswitch_acquirer_calls_total')).toEqual([
      `qrswitch_acquirer_calls_total{${labels},outcome="done"} 2`,
      `qrswitch_acquirer_calls_total{${labels},outcome="unknown"} 1`,
    ]);
    expect(await linesOf(metrics, 'qrswitch_acquirer_calls_seconds_')).toEqual(
      expect.arrayContaining([
        'qrswitch_acquirer_calls_seconds_bucket{le="0.005",acquirer="shop",operation="look"} 2',
        'qrswitch_acquirer_calls_seconds_count{acquirer="shop",operation="look"} 3',
      ]),
    );
  });

  test('tell of a loaded driver before it has ever ended, so that its first end is a rise', async () => {
    const metrics = open('main');
    metrics.driverLoaded('lantern');
    const ended = 'qrswitch_drivers_ended_total{driver="lantern"}';
    expect(await linesOf(metrics, ended)).toEqual([`${ended} 0`]);
    metrics.driverEnded('lantern');
    expect(await linesOf(metrics, ended)).toEqual([`${ended} 1`]);
  });

  test('ask the owner of shards at each snapshot', async () => {
    const metrics = open('worker-1');
    const shards = [shard(0), shard(1)];
    metrics.watchShards(() => shards);

    expect(await linesOf(metrics, 'qrswitch_transitions_unwritten')).toEqual([
      'qrswitch_transitions_unwritten{shard="0"} 7',
      'qrswitch_transitions_unwritten{shard="1"} 7',
    ]);
    shards[1] = { ...shard(1), state: 'stopped', transitionsUnwritten: 9 };
    expect(await linesOf(metrics, 'qrswitch_transitions_unwritten')).toContain(
      'qrswitch_transitions_unwritten{shard="1"} 9',
    );
    expect(await linesOf(metrics, 'qrswitch_shards_owned')).toEqual([
      'qrswitch_shards_owned{state="serving"} 1',
      'qrswitch_shards_owned{state="stopped"} 1',
    ]);
  });

  test('tell every family that there is, once each of its kinds has happened', () => {
    const metrics = open('all');
    useAll(metrics);

    const told = metrics.snapshot();
    expect(told.map((reading) => reading.name).sort()).toEqual(
      Object.values(families)
        .map((family) => family.name)
        .sort(),
    );
    expect(told.filter((reading) => reading.values.length === 0)).toEqual([]);
  });

  test('do not grow with what happens: what they tell is as long after a thousand times as after two', () => {
    const metrics = open('all');
    const length = (): number => JSON.stringify(metrics.snapshot().map(namesOf)).length;
    useAll(metrics);
    useAll(metrics);
    const before = length();
    for (let i = 0; i < 1_000; i++) useAll(metrics);
    expect(length()).toBe(before);
  });

  test('see a loop that was held up', async () => {
    const metrics = open('main');
    await new Promise((done) => setTimeout(done, 30));
    const until = performance.now() + 120;
    while (performance.now() < until);
    await new Promise((done) => setTimeout(done, 30));

    const worst = metrics
      .snapshot()
      .find((reading) => reading.name === families.loopsDelayedSeconds.name)
      ?.values.find((value) => value.labels.quantile === 1)?.value;
    expect(worst).toBeGreaterThan(0.08);
    expect(worst).toBeLessThan(10);
  });
});

describe('a scrape', () => {
  test('adds up what several threads count, and keeps apart what is of one', async () => {
    const [first, second] = [open('worker-1'), open('worker-2')];
    first.batchAppended(3, 0.002);
    second.batchAppended(5, 0.2);
    first.watchShards(() => [shard(0)]);
    second.watchShards(() => [shard(1)]);

    const text = await new Scrape().text(
      new Map([
        ['worker-1', posted(first.snapshot())],
        ['worker-2', posted(second.snapshot())],
      ]),
    );

    expect(text).toContain('qrswitch_batches_appended_transitions_sum 8');
    expect(text).toContain('qrswitch_batches_appended_seconds_bucket{le="0.002"} 1');
    expect(text).toContain('qrswitch_batches_appended_seconds_bucket{le="+Inf"} 2');
    expect(text).toContain('qrswitch_bills_resident{shard="0"} 5');
    expect(text).toContain('qrswitch_bills_resident{shard="1"} 5');
    expect(text).toContain('qrswitch_shards_owned{state="serving"} 2');
    expect(text).toMatch(/qrswitch_loops_delayed_seconds\{thread="worker-2",quantile="0.99"\} \d/);
    expect(text).toContain('process_cpu_seconds_total');
  });

  test('is text that Prometheus can read: no family twice, every line a comment or a sample', async () => {
    const metrics = open('all');
    useAll(metrics);
    const text = await new Scrape().text(new Map([['all', metrics.snapshot()]]));
    const lines = text.split('\n').filter((line) => line !== '');

    const helps = lines
      .filter((line) => line.startsWith('# HELP'))
      .map((line) => line.split(' ')[2]);
    expect(new Set(helps).size).toBe(helps.length);
    expect(
      lines.filter(
        (line) => !/^(# (HELP|TYPE) |[a-z0-9_]+(\{[^{}]*\})? [-+0-9.eE]+( \d+)?$)/i.test(line),
      ),
    ).toEqual([]);
  });

  test('never lets a counter go back when a thread dies and begins again', async () => {
    const scrape = new Scrape();
    const first = open('worker-1');
    first.watchShards(() => [shard(0)]);
    first.batchAppended(10, 0.001);
    await scrape.text(new Map([['worker-1', posted(first.snapshot())]]));

    const whileSilent = await scrape.text(new Map());
    scrape.retire('worker-1');
    const whileGone = await scrape.text(new Map());
    const again = open('worker-1');
    again.batchAppended(1, 0.001);
    const afterwards = await scrape.text(new Map([['worker-1', posted(again.snapshot())]]));
    scrape.retire('worker-1');
    const atLast = await scrape.text(new Map());

    const sum = 'qrswitch_batches_appended_transitions_sum';
    expect(whileSilent).toContain(`${sum} 10`);
    expect(whileSilent).not.toContain('qrswitch_bills_resident{');
    expect(whileGone).toContain(`${sum} 10`);
    expect(afterwards).toContain(`${sum} 11`);
    expect(atLast).toContain(`${sum} 11`);
  });
});

function open(thread: string): Metrics {
  const metrics = openMetrics(thread);
  opened.push(metrics);
  return metrics;
}

function useAll(metrics: Metrics): void {
  metrics.route('http', 'bill.create').answered(201, 0.001);
  metrics.eventPushed(false);
  metrics.connectionClosed(1013);
  metrics.requestLimited('holderRequests');
  metrics.batchAppended(1, 0.001);
  metrics.appendFailed('unknown');
  metrics.transitionsCommitted('CreateBill', 1);
  metrics.historyWritten(1, 0.001);
  metrics.historyFailed('history.unavailable');
  metrics.billsFetched(2);
  metrics.workerEnded();
  metrics.gatewayEnded();
  metrics.driverLoaded('lantern');
  metrics.driverAsked('lantern', 'answered');
  metrics.driverEnded('lantern');
  metrics.watchShards(() => [shard(0)]);
  metrics.webhookSent('2xx', 0.1);
  metrics.webhooksDied(1);
  metrics.watchWebhooks(() => ({ pending: 1, breakersOpen: 0 }));
  metrics.acquirerCalled(
    { acquirer: 'bank', driver: 'tbank', operation: 'look', outcome: 'done' },
    0.1,
  );
  metrics.watchAcquirers(() => [{ acquirer: 'bank', bills: 2 }]);
  metrics.watchGateway(() => ({
    requestsWaiting: 0,
    requestsDelayedMs: 25,
    requestsShed: 3,
    requestsHeld: 1,
    terminalConnections: 2,
    paychannelConnections: 3,
  }));
}

function shard(no: number): ShardNumbers {
  return {
    shard: no,
    state: 'serving',
    commandsQueued: 2,
    commandsQueuedDeepest: 1,
    billsResident: 5,
    eventsPending: 3,
    transitionsUnwritten: 7,
    historyLaggedMs: 40,
  };
}

/** Its lines without their values. */
function namesOf({ name, values }: Snapshot[number]): unknown {
  return [name, values.map(({ labels, metricName }) => [metricName, labels])];
}

/** The snapshot as another thread receives it. */
function posted(snapshot: Snapshot): Snapshot {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(snapshot);
  const received: { message: Snapshot } | undefined = receiveMessageOnPort(port2);
  port1.close();
  if (received === undefined) throw new Error('nothing arrived');
  return received.message;
}

async function linesOf(metrics: Metrics, start: string): Promise<string[]> {
  const text = await new Scrape().text(new Map([['one', metrics.snapshot()]]));
  return text.split('\n').filter((line) => line.startsWith(start));
}
