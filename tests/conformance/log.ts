// What every Log promises (L1 to L3 of ports.ts), whichever store keeps it. An implementation brings a stand: a store
// that is empty at first, ways to open logs on it, and ways to make the store and the line to it fail.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ShardId } from '../../src/domain/ids.ts';
import { type EntryId, entryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import { type Log, LogRefusal } from '../../src/switch/ports.ts';
import type { BadLine } from '../support/bad-line.ts';

export interface LogStand {
  /** Opens one more log on the store: another owner's. */
  open(): Promise<Log>;
  /** Opens one whose line to the store can be made to fail. An unanswered append must settle within seconds. */
  openOverBadLine(): Promise<{ log: Log; line: BadLine }>;
  /** Remembers how the store stands. */
  mark(): Promise<void>;
  /** Takes the store back to where it was marked, as a disk that had not synced would. Logs may lose their line. */
  loseSinceMark(): Promise<void>;
  close(): Promise<void>;
}

const SHARDS = 8;
const SHARD = 3 as ShardId;
const RACES = 150;

/** Runs the suite; every test has a stand of its own. */
export function describeLog(name: string, makeStand: () => Promise<LogStand>): void {
  describe(name, () => {
    let stand: LogStand;
    let log: Log;
    const opened: Log[] = [];

    const openAnother = async (): Promise<Log> => {
      const another = await stand.open();
      opened.push(another);
      return another;
    };
    const openOverBadLine = async (): Promise<{ log: Log; line: BadLine }> => {
      const over = await stand.openOverBadLine();
      opened.push(over.log);
      return over;
    };

    beforeEach(async () => {
      stand = await makeStand();
      log = await openAnother();
      await log.identify({ id: 'first', shards: SHARDS });
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      await stand.close();
    });

    test('keeps the name and the number of shards it was first given, for ever', async () => {
      const other = await openAnother();
      const { name, shards } = await other.identify({ id: 'second', shards: SHARDS + 1 });
      expect({ id: name.id, shards }).toEqual({ id: 'first', shards: SHARDS });
    });

    test('an empty shard has neither entries nor bounds', async () => {
      expect(await log.bounds(SHARD)).toEqual({ first: NO_ENTRY, last: NO_ENTRY });
      expect(await log.read(SHARD, NO_ENTRY, 10)).toEqual([]);
    });

    test('gives back what was appended, byte for byte and in order', async () => {
      const payloads = [Uint8Array.from({ length: 256 }, (_, i) => i), bytes(''), bytes('\r\n$-1')];
      await appendChain(log, SHARD, 1, payloads);
      const entries = await log.read(SHARD, NO_ENTRY, 10);
      expect(entries.map((entry) => entry.id)).toEqual([1, 2, 3].map((n) => entryId(1, n)));
      expect(entries.map((entry) => [...entry.payload])).toEqual(payloads.map((each) => [...each]));
      expect(await log.bounds(SHARD)).toEqual({ first: entryId(1, 1), last: entryId(1, 3) });
    });

    test('takes ids up to the last there is', async () => {
      const ids = [entryId(1, 2 ** 32 - 1), entryId(2, 0), entryId(2 ** 21 - 1, 2 ** 32 - 1)];
      let top = NO_ENTRY;
      for (const id of ids) {
        await log.append(SHARD, top, id, bytes('x'));
        top = id;
      }
      expect((await log.read(SHARD, NO_ENTRY, 10)).map((entry) => entry.id)).toEqual(ids);
      expect((await log.read(SHARD, entryId(2, 0), 10)).map((entry) => entry.id)).toEqual([top]);
      expect((await log.bounds(SHARD)).last).toBe(top);
    });

    test('reads in pages', async () => {
      await appendChain(
        log,
        SHARD,
        1,
        Array.from({ length: 25 }, (_, i) => bytes(`${i}`)),
      );
      const seen: string[] = [];
      const pages: number[] = [];
      for (let above = NO_ENTRY; ; ) {
        const page = await log.read(SHARD, above, 10);
        pages.push(page.length);
        seen.push(...page.map((entry) => text(entry.payload)));
        const last = page.at(-1);
        if (last === undefined) break;
        above = last.id;
      }
      expect(pages).toEqual([10, 10, 5, 0]);
      expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `${i}`));
    });

    test('carries a payload of a megabyte', async () => {
      const large = Uint8Array.from({ length: 1_048_576 }, (_, i) => (i * 31) % 256);
      await appendChain(log, SHARD, 1, [large, bytes('after')]);
      const [entry] = await log.read(SHARD, NO_ENTRY, 1);
      expect(Buffer.compare(entry?.payload ?? bytes(''), large)).toBe(0);
    });

    test('shards neither mix nor wait for one another', async () => {
      const all = Array.from({ length: SHARDS }, (_, shard) => shard as ShardId);
      await Promise.all(
        all.map((shard) =>
          appendChain(
            log,
            shard,
            shard + 1,
            Array.from({ length: 25 }, (_, i) => bytes(`${shard}/${i}`)),
          ),
        ),
      );
      for (const shard of all) {
        const entries = await log.read(shard, NO_ENTRY, 100);
        expect(entries.map((entry) => text(entry.payload))).toEqual(
          Array.from({ length: 25 }, (_, i) => `${shard}/${i}`),
        );
      }
    });

    describe('fencing', () => {
      test('refuses an append that names anything but the top, again and again', async () => {
        expect(await outcome(log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('x')))).toBe(
          'fenced',
        );
        await appendChain(log, SHARD, 1, [bytes('one'), bytes('two')]);
        for (const after of [NO_ENTRY, entryId(1, 1), entryId(1, 3), entryId(2, 0)]) {
          for (let time = 0; time < 2; time++) {
            expect(await outcome(log.append(SHARD, after, entryId(3, 0), bytes('x')))).toBe(
              'fenced',
            );
          }
        }
        expect((await log.read(SHARD, NO_ENTRY, 10)).map((entry) => text(entry.payload))).toEqual([
          'one',
          'two',
        ]);
      });

      test('an owner whose epoch was followed by another is refused from then on', async () => {
        const other = await openAnother();
        await appendChain(log, SHARD, 1, [bytes('one')]);
        await other.append(SHARD, entryId(1, 1), entryId(2, 0), bytes('opened'));
        expect(await outcome(log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('x')))).toBe(
          'fenced',
        );
        await other.append(SHARD, entryId(2, 0), entryId(2, 1), bytes('two'));
        expect(await outcome(log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('x')))).toBe(
          'fenced',
        );
      });

      test(`of two owners exactly one takes each place, ${RACES} times over`, async () => {
        const owners = [log, await openAnother()];
        const winners: string[] = [];
        let top = NO_ENTRY;
        for (let round = 1; round <= RACES; round++) {
          const ids = [entryId(round, 1), entryId(round, 2)];
          const outcomes = await Promise.all(
            owners.map((owner, i) =>
              outcome(owner.append(SHARD, top, ids[i] as EntryId, bytes(`${round}/${i}`))),
            ),
          );
          expect([...outcomes].sort()).toEqual(['fenced', 'taken']);
          const winner = outcomes.indexOf('taken');
          winners.push(`${round}/${winner}`);
          top = ids[winner] as EntryId;
        }
        const entries = await log.read(SHARD, NO_ENTRY, RACES + 1);
        expect(entries.map((entry) => text(entry.payload))).toEqual(winners);
      });
    });

    describe('an append whose outcome is unknown', () => {
      test('is in the log once, where only the answer was lost', async () => {
        const over = await openOverBadLine();
        await appendChain(over.log, SHARD, 1, [bytes('one')]);
        over.line.loseNextAnswer();
        expect(
          await outcome(over.log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('two'))),
        ).toBe('unknown');
        expect(over.line.failures).toBe(1);

        // The entry may still be on its way when the line is cut.
        await until(async () => (await log.bounds(SHARD)).last === entryId(1, 2));
        await untilServing(over.log);
        const entries = await over.log.read(SHARD, NO_ENTRY, 10);
        expect(entries.map((entry) => text(entry.payload))).toEqual(['one', 'two']);
        expect(
          await outcome(over.log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('two'))),
        ).toBe('fenced');
        await over.log.append(SHARD, entryId(1, 2), entryId(2, 0), bytes('three'));
        expect(await log.read(SHARD, NO_ENTRY, 10)).toHaveLength(3);
      });

      test('is not in the log, nor sent again, where the request was lost', async () => {
        const over = await openOverBadLine();
        await appendChain(over.log, SHARD, 1, [bytes('one')]);
        over.line.loseNextRequest();
        expect(
          await outcome(over.log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('lost'))),
        ).toBe('unknown');
        await untilServing(over.log);
        expect(await over.log.bounds(SHARD)).toEqual({ first: entryId(1, 1), last: entryId(1, 1) });
        await over.log.append(SHARD, entryId(1, 1), entryId(2, 0), bytes('two'));
        const entries = await log.read(SHARD, NO_ENTRY, 10);
        expect(entries.map((entry) => text(entry.payload))).toEqual(['one', 'two']);
      });

      test('settles where the line goes silent, and the log finds a new line', async () => {
        const over = await openOverBadLine();
        await appendChain(over.log, SHARD, 1, [bytes('one')]);
        over.line.silenceNextAnswer();
        expect(
          await outcome(over.log.append(SHARD, entryId(1, 1), entryId(1, 2), bytes('two'))),
        ).toBe('unknown');
        await untilServing(over.log);
        expect((await over.log.bounds(SHARD)).last).toBe(entryId(1, 2));
        await over.log.append(SHARD, entryId(1, 2), entryId(2, 0), bytes('three'));
      });

      test('happens to any of many in flight, and none is doubled', async () => {
        const over = await openOverBadLine();
        const all = Array.from({ length: SHARDS }, (_, shard) => shard as ShardId);
        await Promise.all(all.map((shard) => appendChain(over.log, shard, 1, [bytes('one')])));
        over.line.loseNextAnswer();
        const outcomes = await Promise.all(
          all.map((shard) =>
            outcome(over.log.append(shard, entryId(1, 1), entryId(1, 2), bytes('two'))),
          ),
        );
        expect(outcomes).toContain('unknown');
        expect(outcomes).not.toContain('fenced');
        for (const [index, shard] of all.entries()) {
          const texts = (await log.read(shard, NO_ENTRY, 10)).map((entry) => text(entry.payload));
          const expected: Record<string, string[][]> = {
            taken: [['one', 'two']],
            unwilling: [['one']],
            unknown: [['one'], ['one', 'two']],
          };
          expect(expected[outcomes[index] ?? '']).toContainEqual(texts);
        }
      });
    });

    describe('a lost tail', () => {
      test('shows in the bounds, and nothing is appended after what has vanished', async () => {
        await appendChain(log, SHARD, 1, [bytes('one'), bytes('two')]);
        await stand.mark();
        await log.append(SHARD, entryId(1, 2), entryId(1, 3), bytes('three'));
        await log.append(SHARD, entryId(1, 3), entryId(1, 4), bytes('four'));
        await stand.loseSinceMark();

        const next = await openAnother();
        expect(await next.bounds(SHARD)).toEqual({ first: entryId(1, 1), last: entryId(1, 2) });
        expect(await next.read(SHARD, entryId(1, 2), 10)).toEqual([]);
        expect(await outcome(next.append(SHARD, entryId(1, 4), entryId(1, 5), bytes('x')))).toBe(
          'fenced',
        );
        await next.append(SHARD, entryId(1, 2), entryId(2, 0), bytes('opened'));
        expect((await next.bounds(SHARD)).last).toBe(entryId(2, 0));
      });
    });

    describe('trimming', () => {
      test('drops what is below, keeps the entry named and all above', async () => {
        await appendChain(log, SHARD, 1, ['1', '2', '3', '4', '5'].map(bytes));
        await log.trim(SHARD, entryId(1, 3));
        const entries = await log.read(SHARD, NO_ENTRY, 10);
        expect(entries.map((entry) => text(entry.payload))).toEqual(['3', '4', '5']);
        expect(await log.bounds(SHARD)).toEqual({ first: entryId(1, 3), last: entryId(1, 5) });
      });

      test('to the top leaves the top, after which the log goes on', async () => {
        await appendChain(log, SHARD, 1, ['1', '2', '3'].map(bytes));
        await log.trim(SHARD, entryId(1, 3));
        await log.trim(SHARD, entryId(1, 3));
        expect(await log.bounds(SHARD)).toEqual({ first: entryId(1, 3), last: entryId(1, 3) });
        await log.append(SHARD, entryId(1, 3), entryId(1, 4), bytes('4'));
        expect(await log.read(SHARD, entryId(1, 3), 10)).toHaveLength(1);
      });

      test('drops nothing where the entry to keep does not stand in the log', async () => {
        await log.trim(SHARD, entryId(1, 1));
        await appendChain(log, SHARD, 1, ['1', '2', '3'].map(bytes));
        await log.trim(SHARD, entryId(1, 4));
        await log.trim(SHARD, NO_ENTRY);
        expect(await log.bounds(SHARD)).toEqual({ first: entryId(1, 1), last: entryId(1, 3) });
      });
    });

    test('a closed log refuses, for sure, without having done anything', async () => {
      const other = await openAnother();
      await other.close();
      expect(await outcome(other.append(SHARD, NO_ENTRY, entryId(1, 1), bytes('x')))).toBe(
        'unwilling',
      );
      expect((await log.bounds(SHARD)).last).toBe(NO_ENTRY);
    });
  });

  describe(`${name}, never opened before`, () => {
    test('is given one name, however many propose one at once', async () => {
      const stand = await makeStand();
      const logs = await Promise.all(Array.from({ length: 5 }, () => stand.open()));
      try {
        const names = await Promise.all(
          logs.map((log, i) => log.identify({ id: `proposal-${i}`, shards: i + 1 })),
        );
        const first = names[0];
        expect(first?.name.id).toBe(`proposal-${(first?.shards ?? 0) - 1}`);
        for (const other of names) expect(other).toEqual(first);
        // The last of the shards there are takes entries.
        const shard = ((first?.shards ?? 0) - 1) as ShardId;
        await logs[0]?.append(shard, NO_ENTRY, entryId(1, 1), bytes('x'));
      } finally {
        await Promise.all(logs.map((log) => log.close()));
        await stand.close();
      }
    });
  });
}

/** Appends payloads as `<epoch>-1`, `<epoch>-2` and so on to an empty shard. */
async function appendChain(
  log: Log,
  shard: ShardId,
  epoch: number,
  payloads: readonly Uint8Array[],
): Promise<void> {
  let top = NO_ENTRY;
  for (const [index, payload] of payloads.entries()) {
    const id = entryId(epoch, index + 1);
    await log.append(shard, top, id, payload);
    top = id;
  }
}

/** What an append's caller knows of it. */
async function outcome(
  append: Promise<void>,
): Promise<'taken' | 'fenced' | 'unwilling' | 'unknown'> {
  try {
    await append;
    return 'taken';
  } catch (error) {
    return error instanceof LogRefusal ? error.reason : 'unknown';
  }
}

/** Resolves once the log reads again, and takes appends as far as it can tell without one. */
async function untilServing(log: Log): Promise<void> {
  await until(async () => {
    await log.bounds(SHARD);
    // Names an entry that is not there: a refusal by the fence shows that the line carries appends.
    const absent = entryId(2 ** 21 - 2, 0);
    const probe = await outcome(log.append(SHARD, absent, entryId(2 ** 21 - 1, 0), bytes('probe')));
    return probe === 'fenced';
  });
}

/** Asks until the answer is yes; a question that fails is asked again. The test's own time limit ends it. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value);
}

function text(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}
