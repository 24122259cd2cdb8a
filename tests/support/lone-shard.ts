// A shard without a worker: its history is a map of bills that counts what it is asked, and what it decides is durable
// when a test says so.

import { ShardClock } from '../../src/actors/shard-clock.ts';
import { ABSENT, type PresentBill } from '../../src/domain/bill/state.ts';
import type { BillId, ShardId } from '../../src/domain/ids.ts';
import { makeBillPacker } from '../../src/persistence/history/bill-packer.ts';
import { Agreements } from '../../src/switch/agreements.ts';
import { entryId, NO_ENTRY } from '../../src/switch/entry-id.ts';
import { EventIndex } from '../../src/switch/event-index.ts';
import type { CommittedEntry } from '../../src/switch/history-queue.ts';
import { Lookups } from '../../src/switch/lookups.ts';
import type { History, StreamedEvent } from '../../src/switch/ports.ts';
import type { Principal } from '../../src/switch/principal.ts';
import { NO_OBSERVER } from '../../src/switch/reporter.ts';
import type { Operation, Reply } from '../../src/switch/requests.ts';
import { SuspendedSellers } from '../../src/switch/sellers.ts';
import { Shard } from '../../src/switch/shard.ts';
import { NOON } from './bill-fixtures.ts';
import { ManualClock, settled } from './manual-clock.ts';

const ENTRY = entryId(1, 1);
const SHARD = 0 as ShardId;

/**
 * Serves from the start. `onEvent` hears what whoever listens would hear, `onQuestion` of each question to history while
 * it is under way.
 */
export function startLoneShard(given: {
  bills: ReadonlyMap<BillId, PresentBill>;
  suspended?: SuspendedSellers | undefined;
  onEvent?: (event: StreamedEvent) => void;
  onQuestion?: (question: string) => void;
}) {
  const { bills, suspended = new SuspendedSellers(), onEvent = () => undefined } = given;
  const { onQuestion = () => undefined } = given;
  const clock = new ManualClock(NOON);
  const events = new EventIndex();
  const questions: string[] = [];
  const counted = (kind: string, count: number): void => {
    const question = `${count} ${kind}`;
    questions.push(question);
    onQuestion(question);
  };
  const lookups = new Lookups({
    history: countingHistory(bills, counted),
    clock,
    observer: NO_OBSERVER,
    reporter: { report: () => undefined },
    knownWatermark: () => NO_ENTRY,
    settled: () => undefined,
  });
  let replies: Reply[] = [];
  const shard = new Shard({
    id: SHARD,
    clock,
    lookups,
    events,
    packer: makeBillPacker(),
    agreements: new Agreements(),
    suspended,
    sink: {
      reply: (_asked, reply) => replies.push(reply),
      event: onEvent,
      eventEnded: () => undefined,
      unfinished: () => undefined,
      acquiring: () => undefined,
      begun: () => undefined,
      flush: () => undefined,
    },
    limits: {
      underWayMax: 100,
      mailboxMax: 100,
      unwrittenMax: 100,
      unwrittenInAllMax: 100,
      residentsMax: 100,
      filterOrdersMax: 100,
    },
    isLeased: () => true,
    unwritten: () => 0,
    unwrittenInAll: () => 0,
    defect: (bill, error) => {
      throw new Error(bill, { cause: error });
    },
    wake: () => undefined,
  });
  shard.serve(new ShardClock({ wall: NOON, monotonic: 0 }, 0));
  /** What is answered, and what history was asked for it, tick by tick. */
  const ask = async (principal: Principal, operation: Operation) => {
    replies = [];
    const before = questions.length;
    const common = { seq: 1, origin: 1, requestId: 'r', encoding: 'json' } as const;
    shard.receive({ ...common, shard: SHARD, principal, operation });
    let ticks = 0;
    for (; replies.length === 0 && ticks < 10; ticks++) {
      lookups.flush();
      await settled();
    }
    return { reply: replies[0], ticks, questions: questions.slice(before) };
  };
  /** What has been decided becomes durable. */
  let sequence = 1;
  const unwritten: CommittedEntry[] = [];
  const commit = (): void => {
    sequence += 1;
    shard.commit.seal(entryId(1, sequence));
    unwritten.push(shard.committed());
  };
  /** History has all that is durable, though it tells nothing of it: what was kept for it goes. */
  const write = (): void => {
    shard.written(unwritten.splice(0), entryId(1, sequence));
  };
  /** What has been answered since the last request came. */
  const answers = (): readonly Reply[] => replies;
  return { ask, commit, write, answers, events, shard };
}

function countingHistory(
  bills: ReadonlyMap<BillId, PresentBill>,
  counted: (kind: string, count: number) => void,
): History {
  const watermarks = [{ shard: SHARD, entry: ENTRY, at: NOON }];
  const history: Partial<History> = {
    fetchBills: async (ids) => {
      counted('bills', ids.length);
      const found = ids.map((id) => {
        const bill = bills.get(id);
        return bill === undefined ? { bill: ABSENT, entry: NO_ENTRY } : { bill, entry: ENTRY };
      });
      return { bills: found, watermarks };
    },
    fetchReferences: async (keys) => {
      counted('references', keys.length);
      return { references: keys.map(() => null), watermarks };
    },
    fetchParts: async (keys) => {
      counted('parts', keys.length);
      const parts = keys.map(() => ({ payment: null, credits: [], event: null }));
      return { parts, watermarks };
    },
  };
  return history as History;
}
