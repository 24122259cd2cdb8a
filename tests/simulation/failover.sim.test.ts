// A log that fails over as a shard changes hands: what its primary had acknowledged last is gone when the next owner opens
// its epoch, and nobody but the owner before has it.

import { expect, test } from 'vitest';
import { makeEntryCodec } from '../../src/persistence/log/entry-codec.ts';
import { type EntryId, formatEntryId } from '../../src/switch/entry-id.ts';
import { Auditor } from './auditor.ts';
import { HistoryStore } from './history-store.ts';
import { run } from './run.ts';
import { LeaseStore } from './sim-leases.ts';
import { LogStore } from './sim-log.ts';
import { World } from './world.ts';

const GIVEN = {
  nodes: 2,
  operations: 300,
  shards: [0] as never,
  hasFlood: false,
  hasSticker: false,
  hasBank: false,
  hasWebhook: false,
  shortEpochs: false,
  logTrimsItself: false,
} as const;
/** Owners that live, and lose their leases. */
const FAULTS = ['process.pause', 'history.slow', 'lease.cutOff', 'history.away'] as const;
const SEEDS = 40;
/** Longer than anybody waits for a lease. */
const RESTART_MS = 6_000;
const codec = makeEntryCodec();

/**
 * Entries with transitions that the log has acknowledged and loses in a run; those of them that do not come into history
 * all the same; what is told of it; and who takes a lease although its shard has stopped.
 */
async function lose(
  seed: number,
): Promise<{ lost: EntryId[]; missing: EntryId[]; lines: string[]; retaken: string[] }> {
  const { broke, report } = World.prototype;
  const { append } = LogStore.prototype;
  const { write } = HistoryStore.prototype;
  const { swap } = LeaseStore.prototype;
  const { acknowledged: heard } = Auditor.prototype;
  const lost: EntryId[] = [];
  const acknowledged = new Set<EntryId>();
  const lines: string[] = [];
  const stopped = new Set<string | undefined>();
  const retaken: string[] = [];
  let log: LogStore | null = null;
  let history: HistoryStore | null = null;
  const isMissing = (entry: EntryId): boolean =>
    ![...(history?.transitions.values() ?? [])].some((line) => line.entry === entry);
  // What was promised is broken: that is what the loss is.
  World.prototype.broke = () => undefined;
  World.prototype.report = function (...args) {
    report.apply(this, args);
    const [node, , what] = args;
    if (what !== 'shard.stopped') return;
    stopped.add(node.running?.life.name);
    // The new owner is restarted before anybody has looked.
    for (const other of this.nodes.filter((each) => each !== node)) {
      void other.stop().then(() => this.agenda.after(RESTART_MS, () => other.start()));
    }
  };
  Auditor.prototype.acknowledged = function (...args) {
    acknowledged.add(args[1]);
    heard.apply(this, args);
  };
  LogStore.prototype.append = function (...args) {
    log = this;
    append.apply(this, args);
  };
  HistoryStore.prototype.write = function (...args) {
    history = this;
    return write.apply(this, args);
  };
  LeaseStore.prototype.swap = function (seen, next) {
    const { holder } = this.at(seen.shard);
    const done = swap.call(this, seen, next);
    const isTaken = done.length > 0 && holder !== next.holder;
    if (isTaken && next.holder !== null && stopped.has(next.holder)) retaken.push(next.holder);
    const isHandedOver = done.length > 0 && holder !== null && next.holder !== null;
    if (!isHandedOver || holder === next.holder || lost.length > 0) return done;
    const tail = log?.entries(seen.shard) ?? [];
    const watermark = history?.watermark(seen.shard).entry ?? 0;
    const unwritten = tail.filter(({ id }) => id > watermark).slice(-2);
    const batches = unwritten.filter(({ payload }) => codec.decode(payload).kind === 'batch');
    if (batches.length === 0) return done;
    log?.loseTail(seen.shard, unwritten.length);
    lost.push(...batches.map(({ id }) => id));
    return done;
  };
  try {
    const trace = (line: string): void => void lines.push(line);
    await run({ seed, mayStop: true, trace, faults: FAULTS, given: GIVEN });
  } finally {
    World.prototype.broke = broke;
    World.prototype.report = report;
    LogStore.prototype.append = append;
    HistoryStore.prototype.write = write;
    LeaseStore.prototype.swap = swap;
    Auditor.prototype.acknowledged = heard;
  }
  const heardOf = lost.filter((entry) => acknowledged.has(entry));
  return { lost: heardOf, missing: heardOf.filter(isMissing), lines, retaken };
}

test('a log that loses its tail as its shard changes hands is found out: the owner before brings it home, or tells what it was', async () => {
  const failures: string[] = [];
  let losses = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { lost, missing, lines, retaken } = await lose(seed);
    for (const life of retaken) failures.push(`seed ${seed}: ${life} takes the shard again`);
    if (lost.length === 0) continue;
    losses += Math.sign(missing.length);
    const told = lines.filter((line) => line.includes('transition.lost'));
    for (const entry of missing) {
      if (told.some((line) => line.includes(`"entry":"${formatEntryId(entry)}"`))) continue;
      failures.push(`seed ${seed}: nobody tells of ${formatEntryId(entry)}`);
    }
    const stopped = lines.filter((line) => /error shard\.stopped .*has lost entries/.test(line));
    if (stopped.length === 0) failures.push(`seed ${seed}: no shard stops`);
  }
  expect(failures).toEqual([]);
  expect(losses).toBeGreaterThan(1);
});
