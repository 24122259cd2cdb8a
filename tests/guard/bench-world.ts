// One worker and one gateway link in one process, on stores that take a fixed time and a clock that jumps from one
// appointment to the next: the same load does the same work in the same order, always, however busy the machine is.
// What is real: the host, its shards, the codec of the log, the links and their packing, the presenter, and the
// parameters of history's statement. What is not: sockets, threads, Redis, Postgres.

import type { MessagePort } from 'node:worker_threads';
import type { ShardId } from '../../src/domain/ids.ts';
import { type Millis, millis } from '../../src/domain/time.ts';
import { makeBillCodec } from '../../src/persistence/history/bill-codec.ts';
import { makeBillPacker } from '../../src/persistence/history/bill-packer.ts';
import { makeWriteStatement } from '../../src/persistence/history/write-statement.ts';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { makePresenter } from '../../src/protocols/presenter.ts';
import { GatewayLink } from '../../src/protocols/shard/gateway-link.ts';
import { WorkerLink } from '../../src/protocols/shard/worker-link.ts';
import { Agreements } from '../../src/switch/agreements.ts';
import { type EntryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import type {
  Clock,
  History,
  HistoryBatch,
  Lease,
  Leases,
  Log,
  LogEntry,
  Watermark,
} from '../../src/switch/ports.ts';
import { NO_OBSERVER } from '../../src/switch/reporter.ts';
import { SuspendedSellers } from '../../src/switch/sellers.ts';
import { WorkerHost } from '../../src/switch/worker-host.ts';
import { atOnce } from '../support/at-once.ts';
import { codesAt } from '../support/qr-claims.ts';

export const SHARDS = 8;

/** How long the stores take, ms: about as on the reference machine under load. */
const APPEND_MS = 1;
const WRITE_MS = 8;
const ASK_MS = 1;
const EPOCH_MS = 1_700_000_000_000;

/** What happened so far. */
export interface Counts {
  messages: number;
  messageBytes: number;
  appends: number;
  appendedBytes: number;
  statements: number;
  statementBytes: number;
  rows: number;
}

/** Appointments by time; at one time in the order in which they were made. */
class Appointments implements Clock {
  #now = 0;
  readonly #byTime = new Map<number, (() => void)[]>();
  readonly #times: number[] = [];

  wall(): number {
    return EPOCH_MS + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const at = this.#now + Math.ceil(delayMs);
    let isCancelled = false;
    const run = (): void => {
      if (!isCancelled) callback();
    };
    const known = this.#byTime.get(at);
    if (known !== undefined) known.push(run);
    else {
      this.#byTime.set(at, [run]);
      this.#times.push(at);
      this.#times.sort((left, right) => right - left);
    }
    return () => {
      isCancelled = true;
    };
  }

  resolveAfter<Answer>(delayMs: number, answer: () => Answer): Promise<Answer> {
    return new Promise((done) => this.after(delayMs, () => done(answer())));
  }

  /** Runs until the condition holds. What is set for now runs in turns, as the event loop's do. */
  async runUntil(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const at = this.#times.at(-1);
      if (at === undefined) throw new Error('nothing will happen any more');
      this.#now = at;
      const due = this.#byTime.get(at) ?? [];
      this.#byTime.set(at, []);
      for (const run of due) run();
      await new Promise((done) => setImmediate(done));
      if ((this.#byTime.get(at) ?? []).length > 0) continue;
      this.#byTime.delete(at);
      this.#times.pop();
    }
  }
}

class FixedLog implements Log {
  readonly #clock: Appointments;
  readonly #counts: Counts;
  readonly #tops = new Map<ShardId, EntryId>();

  constructor(clock: Appointments, counts: Counts) {
    this.#clock = clock;
    this.#counts = counts;
  }

  identify(proposed: { id: string; shards: number }) {
    return Promise.resolve({
      name: { kind: 'simulated' as const, id: proposed.id },
      shards: proposed.shards,
    });
  }

  append(shard: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void> {
    if ((this.#tops.get(shard) ?? NO_ENTRY) !== after) throw new Error('the entry does not follow');
    this.#counts.appends += 1;
    this.#counts.appendedBytes += payload.length;
    this.#tops.set(shard, id);
    return this.#clock.resolveAfter(APPEND_MS, () => undefined);
  }

  read(): Promise<LogEntry[]> {
    return this.#clock.resolveAfter(ASK_MS, () => []);
  }

  bounds(shard: ShardId): Promise<{ first: EntryId; last: EntryId }> {
    const last = this.#tops.get(shard) ?? NO_ENTRY;
    return this.#clock.resolveAfter(ASK_MS, () => ({ first: last, last }));
  }

  trim(): Promise<void> {
    return this.#clock.resolveAfter(ASK_MS, () => undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class FixedHistory implements History {
  readonly #clock: Appointments;
  readonly #counts: Counts;
  readonly #statement = makeWriteStatement(makeBillCodec(), false);
  readonly #watermarks = new Map<ShardId, Watermark>();

  constructor(clock: Appointments, counts: Counts) {
    this.#clock = clock;
    this.#counts = counts;
  }

  write(batch: HistoryBatch): Promise<ReadonlySet<ShardId>> {
    const counts = this.#counts;
    counts.statements += 1;
    for (const parameter of atOnce(this.#statement.parametersOf(batch))) {
      counts.statementBytes += parameter.length;
    }
    for (const rows of Object.values(batch)) counts.rows += rows.length;
    for (const { shard, to, at } of batch.moves) {
      this.#watermarks.set(shard, { shard, entry: to, at });
    }
    const moved = new Set(batch.moves.map(({ shard }) => shard));
    return this.#clock.resolveAfter(WRITE_MS, () => moved);
  }

  watermarks(shards: readonly ShardId[]): Promise<Watermark[]> {
    return this.#clock.resolveAfter(ASK_MS, () => this.#watermarksOf(shards));
  }

  fetchBills(): never {
    throw new Error('no bill of this load has left memory');
  }

  fetchReferences(): never {
    throw new Error('no reference of this load has left memory');
  }

  fetchParts(): never {
    throw new Error('no bill of this load lets parts go');
  }

  /** Asked until the filters of orders have been filled: none of this load is known. */
  fetchOrders(keys: readonly { readonly shard: ShardId }[]) {
    return this.#clock.resolveAfter(ASK_MS, () => ({
      orders: keys.map(() => null),
      watermarks: this.#watermarksOf([...new Set(keys.map(({ shard }) => shard))]),
    }));
  }

  fetchEntries(shard: ShardId) {
    return this.#clock.resolveAfter(ASK_MS, () => ({
      entries: new Set<EntryId>(),
      watermark: this.#watermarksOf([shard])[0]?.entry ?? NO_ENTRY,
    }));
  }

  scanOrders(_shard: ShardId, _since: Millis): Promise<void> {
    return this.#clock.resolveAfter(ASK_MS, () => undefined);
  }

  fetchDue(): Promise<never[]> {
    return this.#clock.resolveAfter(ASK_MS, () => []);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #watermarksOf(shards: readonly ShardId[]): Watermark[] {
    return shards.map(
      (shard) => this.#watermarks.get(shard) ?? { shard, entry: NO_ENTRY, at: millis(0) },
    );
  }
}

/** Nobody else wants the shards. */
class FixedLeases implements Leases {
  readonly #clock: Appointments;

  constructor(clock: Appointments) {
    this.#clock = clock;
  }

  read(shards: readonly ShardId[]): Promise<Lease[]> {
    return this.#answer(shards.map((shard) => ({ shard, counter: 0, holder: null })));
  }

  take(seen: readonly Lease[], holder: string): Promise<Lease[]> {
    return this.#answer(
      seen.map(({ shard, counter }) => ({ shard, counter: counter + 1, holder })),
    );
  }

  renew(held: readonly Lease[]): Promise<Lease[]> {
    return this.#answer(held.map((lease) => ({ ...lease, counter: lease.counter + 1 })));
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #answer(leases: Lease[]): Promise<Lease[]> {
    return this.#clock.resolveAfter(ASK_MS, () => leases);
  }
}

/** Two ends of a channel; what is posted arrives in a turn of its own. */
function makePorts(clock: Appointments, counts: Counts): [MessagePort, MessagePort] {
  const listeners: ((bytes: Uint8Array) => void)[][] = [[], []];
  const end = (own: 0 | 1) => ({
    on(name: string, listener: (bytes: Uint8Array) => void): void {
      if (name === 'message') listeners[own]?.push(listener);
    },
    postMessage(bytes: Uint8Array): void {
      counts.messages += 1;
      counts.messageBytes += bytes.length;
      clock.after(0, () => {
        for (const listener of listeners[1 - own] ?? []) listener(bytes);
      });
    },
    close: () => undefined,
  });
  return [end(0) as unknown as MessagePort, end(1) as unknown as MessagePort];
}

export class BenchWorld {
  readonly counts: Counts = {
    messages: 0,
    messageBytes: 0,
    appends: 0,
    appendedBytes: 0,
    statements: 0,
    statementBytes: 0,
    rows: 0,
  };
  readonly clock = new Appointments();
  readonly door: GatewayLink;
  readonly #host: WorkerHost;

  constructor() {
    const { clock, counts } = this;
    const publicBaseUrl = 'http://127.0.0.1:8080';
    const presenter = makePresenter({ publicBaseUrl, codes: codesAt(publicBaseUrl) });
    const link = new WorkerLink(presenter);
    let nonces = 0;
    this.#host = new WorkerHost({
      shards: Array.from({ length: SHARDS }, (_, shard) => shard as ShardId),
      limits: {
        underWayMax: 10_000,
        mailboxMax: 1_000,
        unwrittenMax: 1_000_000,
        unwrittenInAllMax: 1_000_000,
        residentsMax: 100_000,
        filterOrdersMax: 100_000,
      },
      packer: makeBillPacker(),
      overMs: 3_600_000,
      restMs: 3_600_000,
      idleMs: 3_600_000,
      log: new FixedLog(clock, counts),
      logTrimsItself: false,
      leases: new FixedLeases(clock),
      history: new FixedHistory(clock, counts),
      codec: makeEntryCodec(),
      clock,
      observer: NO_OBSERVER,
      reporter: {
        report: (level, what, fields) => {
          if (level !== 'info') throw new Error(`${what} ${JSON.stringify(fields)}`);
        },
      },
      sink: link,
      agreements: new Agreements(),
      suspended: new SuspendedSellers(),
      holder: 'guard',
      isGone: () => false,
      isOfThisNode: () => true,
      drawNonce: () => `nonce ${nonces++}`,
      drawInteger: () => 0,
    });
    this.door = new GatewayLink({ shards: SHARDS, workers: 1, clock, presenter });
    const [here, there] = makePorts(clock, counts);
    link.attach(there, this.#host);
    this.door.attach(0, here);
  }

  /** Begins to serve. */
  async start(): Promise<void> {
    this.#host.start();
    await this.clock.runUntil(() => this.#host.status().every(({ state }) => state === 'serving'));
  }

  /** Whether history has all that the log has. */
  get isWritten(): boolean {
    return this.#host.status().every(({ unwritten }) => unwritten === 0);
  }
}
