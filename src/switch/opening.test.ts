import { beforeEach, describe, expect, test } from 'vitest';
import type { ShardId } from '../domain/ids.ts';
import { type Millis, millis } from '../domain/time.ts';
import { type EntryId, entryId, NO_ENTRY } from './entry-id.ts';
import { type Opener, openEpoch, reopen } from './opening.ts';
import { type Log, type LogEntry, LogRefusal } from './ports.ts';
import type { EntryContent } from './records.ts';

const SHARD = 0 as ShardId;

/** A log in memory; the answer of the next append can be lost. */
class Entries {
  entries: LogEntry[] = [];
  losesNext = false;

  async append(_: ShardId, after: EntryId, id: EntryId, payload: Uint8Array): Promise<void> {
    if ((this.entries.at(-1)?.id ?? NO_ENTRY) !== after) throw new LogRefusal('fenced', 'no');
    this.entries.push({ id, payload });
    if (!this.losesNext) return;
    this.losesNext = false;
    throw new Error('no answer');
  }

  async read(_: ShardId, above: EntryId, limit: number): Promise<LogEntry[]> {
    return this.entries.filter(({ id }) => id > above).slice(0, limit);
  }

  async bounds(): Promise<{ first: EntryId; last: EntryId }> {
    const first = this.entries[0]?.id ?? NO_ENTRY;
    return { first, last: this.entries.at(-1)?.id ?? NO_ENTRY };
  }
}

const codec = {
  encode: (content: EntryContent): Uint8Array => Buffer.from(JSON.stringify(content)),
  decode: (payload: Uint8Array): EntryContent => JSON.parse(Buffer.from(payload).toString()),
};
const batch = codec.encode({ kind: 'batch', transitions: [] });

describe('an owner that goes on after an unanswered append', () => {
  let log: Entries;
  const at: Millis = millis(1_700_000_000_000);
  let nonces: Set<string>;

  function openerOf(holder: string): Opener {
    let drawn = 0;
    return {
      shard: SHARD,
      log: log as unknown as Log,
      codec,
      holder,
      drawNonce: () => {
        drawn += 1;
        return `${holder} ${drawn}`;
      },
      drawInteger: () => 0,
    };
  }

  const go = (opener: Opener, unknown: EntryId | null) =>
    reopen(opener, { acknowledged: entryId(1, 1), unknown, nonces, at });

  beforeEach(async () => {
    log = new Entries();
    nonces = new Set();
    await openEpoch(openerOf('me'), NO_ENTRY, { at, nonces: new Set() });
    await log.append(SHARD, entryId(1, 0), entryId(1, 1), batch);
  });

  test('finds its entry in the log, and opens on it', async () => {
    await log.append(SHARD, entryId(1, 1), entryId(1, 2), batch);
    const reopening = await go(openerOf('me'), entryId(1, 2));
    expect(reopening).toEqual({ type: 'open', top: entryId(2, 0), isUnknownCommitted: true });
  });

  test('does not find it, and fences it by its opening', async () => {
    const reopening = await go(openerOf('me'), entryId(1, 2));
    expect(reopening).toEqual({ type: 'open', top: entryId(2, 0), isUnknownCommitted: false });
    const late = log.append(SHARD, entryId(1, 1), entryId(1, 2), batch);
    await expect(late).rejects.toBeInstanceOf(LogRefusal);
  });

  test('knows its own opening whose answer was lost', async () => {
    log.losesNext = true;
    const opener = openerOf('me');
    await expect(go(opener, null)).rejects.toThrow('no answer');
    const reopening = await go(opener, null);
    expect(reopening).toEqual({ type: 'open', top: entryId(2, 0), isUnknownCommitted: false });
    expect(log.entries).toHaveLength(3);
  });

  test('is deposed by another’s opening', async () => {
    await openEpoch(openerOf('other'), entryId(1, 1), { at, nonces: new Set() });
    expect(await go(openerOf('me'), null)).toEqual({ type: 'deposed', by: 'other' });
  });

  test('is deposed, and has lost nothing, where another has written and trimmed', async () => {
    await openEpoch(openerOf('other'), entryId(1, 1), { at, nonces: new Set() });
    log.entries = log.entries.slice(-1);
    const reopening = await go(openerOf('me'), entryId(1, 2));
    expect(reopening).toEqual({ type: 'deposed', by: 'the writer of 2-0' });
  });

  test('finds that the log has lost what it had acknowledged', async () => {
    log.entries = log.entries.slice(0, 1);
    const reopening = await go(openerOf('me'), null);
    expect(reopening).toMatchObject({ type: 'lost' });
    log.entries = [];
    expect(await go(openerOf('me'), null)).toMatchObject({ type: 'lost' });
  });
});
