// Where a replay puts what it reads: the shard's memory, as if it had just been committed, and the streams of events that
// nobody hears anew. History may have none of it yet, so that memory answers for its orders and references, too.

import { isPresent } from '../domain/bill/state.ts';
import { lettingGo } from './cell-references.ts';
import type { Clock } from './ports.ts';
import type { ReplayHome } from './replay.ts';
import type { Shard } from './shard.ts';

/** The memory of a shard that starts. */
export function homeOf(shard: Shard, clock: Clock): ReplayHome {
  return {
    get: (id) => shard.residents.get(id),
    put: (id, bill, entry, touched, facts) => {
      const cell = shard.residents.get(id) ?? shard.residents.add(id, true, clock.monotonic());
      if (touched === null) {
        shard.residents.fill(cell, bill, entry);
        return;
      }
      const before = cell.bill;
      cell.bill = bill;
      cell.committed = bill;
      cell.entry = entry;
      lettingGo(cell, before, facts, { batch: 0, entry });
      if (!isPresent(before) && isPresent(bill)) shard.orders.recallBill(bill);
      shard.residents.schedule(cell);
      shard.tell(bill, touched);
    },
    entomb: (order) => shard.orders.recallTombstone(order),
  };
}
