// The log's third adapter: entries in simulated durable memory, reached over a line that loses, delays and doubles.

import type { ShardId } from '../../src/domain/ids.ts';
import { type EntryId, formatEntryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import { type Log, type LogEntry, type LogName, LogRefusal } from '../../src/switch/ports.ts';
import type { Dice } from './dice.ts';
import type { Life } from './life.ts';
import type { Random } from './random.ts';

const SLOWEST_MS = 3_000;
const LATEST_MS = 6_000;

/** Hears of everything that happens to the durable log. */
export interface LogWitness {
  appended(shard: ShardId, after: EntryId, entry: LogEntry, by: string, top: EntryId): void;
  /** An entry did not name the log's top. */
  fenced(shard: ShardId, entry: LogEntry, by: string): void;
  trimmed(shard: ShardId, keep: EntryId): void;
  /** The writer has heard that its entry is durable. */
  acknowledged(shard: ShardId, id: EntryId, by: string): void;
}

/** What is durable, shared by all lives. */
export class LogStore {
  readonly #entries = new Map<ShardId, LogEntry[]>();
  readonly #witness: LogWitness;
  /** Refuses every append until then (simulated ms): full, or read-only. */
  fullUntil = 0;
  /** A planted fault: takes any entry, whatever it names. */
  takesAll = false;

  constructor(witness: LogWitness) {
    this.#witness = witness;
  }

  get witness(): LogWitness {
    return this.#witness;
  }

  entries(shard: ShardId): LogEntry[] {
    const known = this.#entries.get(shard);
    if (known !== undefined) return known;
    const made: LogEntry[] = [];
    this.#entries.set(shard, made);
    return made;
  }

  top(shard: ShardId): EntryId {
    return this.entries(shard).at(-1)?.id ?? NO_ENTRY;
  }

  append(shard: ShardId, after: EntryId, entry: LogEntry, by: string): void {
    const top = this.top(shard);
    if (top !== after && !this.takesAll) {
      this.#witness.fenced(shard, entry, by);
      throw new LogRefusal(
        'fenced',
        `the top is ${formatEntryId(top)}, not ${formatEntryId(after)}`,
      );
    }
    if (entry.id <= top) throw new LogRefusal('fenced', 'ids grow');
    this.entries(shard).push(entry);
    this.#witness.appended(shard, after, entry, by, top);
  }

  trim(shard: ShardId, keep: EntryId): void {
    const entries = this.entries(shard);
    const index = entries.findIndex(({ id }) => id === keep);
    if (index <= 0) return;
    this.#witness.trimmed(shard, keep);
    entries.splice(0, index);
  }

  /** A planted loss: the last entries are gone. */
  loseTail(shard: ShardId, count: number): void {
    this.entries(shard).splice(-count);
  }
}

export class SimLog implements Log {
  readonly #store: LogStore;
  readonly #life: Life;
  readonly #dice: Dice;
  readonly #random: Random;

  constructor(options: { store: LogStore; life: Life; dice: Dice; random: Random }) {
    this.#store = options.store;
    this.#life = options.life;
    this.#dice = options.dice;
    this.#random = options.random;
  }

  identify(proposed: { id: string; shards: number }): Promise<{ name: LogName; shards: number }> {
    const { id, shards } = proposed;
    return Promise.resolve({ name: { kind: 'simulated', id }, shards });
  }

  append(shard: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void> {
    const store = this.#store;
    const life = this.#life;
    const entry = { id, payload: Uint8Array.prototype.slice.call(payload) };
    const put = (): void => {
      if (life.agenda.now < store.fullUntil) throw new LogRefusal('unwilling', 'the log is full');
      store.append(shard, after, entry, life.name);
    };
    const quietly = (delay: number, what: string): void => {
      life.agenda.after(delay, () => {
        try {
          put();
          this.#dice.note(`${what} landed`);
        } catch {
          // Nobody hears of it.
          this.#dice.note(`${what} refused`);
        }
      });
    };
    const dice = this.#dice;
    if (dice.strikes('append.refused')) {
      return life.fail(this.#hop(), new LogRefusal('unwilling', 'nothing was sent'));
    }
    if (dice.strikes('append.failed')) return life.fail(this.#hop(), unknown());
    if (dice.strikes('append.answerLost')) {
      quietly(this.#hop(), 'unheard append');
      return life.fail(this.#random.between(5, 400), unknown());
    }
    if (dice.strikes('append.late')) {
      quietly(this.#random.between(1, LATEST_MS), 'late append');
      return life.fail(this.#hop(), unknown());
    }
    const slow = dice.strikes('append.slow') ? this.#random.between(100, SLOWEST_MS) : 0;
    const there = this.#hop() + slow;
    if (dice.strikes('append.doubled')) quietly(there + this.#random.below(200), 'doubled append');
    return life
      .call(there, this.#hop(), put)
      .then(() => store.witness.acknowledged(shard, id, life.name));
  }

  read(shard: ShardId, above: EntryId, limit: number): Promise<LogEntry[]> {
    return this.#ask(() => {
      const found: LogEntry[] = [];
      for (const entry of this.#store.entries(shard)) {
        if (entry.id > above && found.length < limit) found.push(entry);
      }
      return found;
    });
  }

  bounds(shard: ShardId): Promise<{ first: EntryId; last: EntryId }> {
    return this.#ask(() => {
      const entries = this.#store.entries(shard);
      return { first: entries[0]?.id ?? NO_ENTRY, last: this.#store.top(shard) };
    });
  }

  trim(shard: ShardId, keep: EntryId): Promise<void> {
    if (this.#dice.strikes('log.trimFailed')) {
      return this.#life.fail(this.#hop(), new Error('the line broke'));
    }
    const isLate = this.#dice.strikes('log.trimLate');
    const late = isLate ? this.#random.between(100, LATEST_MS) : 0;
    return this.#life.call(this.#hop() + late, this.#hop(), () => this.#store.trim(shard, keep));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #ask<Answer>(read: () => Answer): Promise<Answer> {
    if (this.#dice.strikes('log.readFailed')) {
      return this.#life.fail(this.#hop(), new Error('the line broke'));
    }
    const isSlow = this.#dice.strikes('log.readSlow');
    const slow = isSlow ? this.#random.between(100, SLOWEST_MS) : 0;
    return this.#life.call(this.#hop(), this.#hop() + slow, read);
  }

  #hop(): number {
    return this.#random.delay(2, 20);
  }
}

function unknown(): Error {
  return new Error('whether the append was done is not known');
}
