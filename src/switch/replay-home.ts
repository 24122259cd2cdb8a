// Where a replay puts what it reads: the shard's memory, and the streams of events that nobody hears anew.

import type { Clock } from './ports.ts';
import type { ReplayHome } from './replay.ts';
import type { Shard } from './shard.ts';

/** The memory of a shard that starts. */
export function homeOf(shard: Shard, clock: Clock): ReplayHome {
  return {
    get: (id) => shard.residents.get(id),
    put: (id, bill, entry, touched) => {
      const cell = shard.residents.get(id) ?? shard.residents.add(id, true, clock.monotonic());
      if (touched === null) {
        shard.residents.fill(cell, bill, entry);
        return;
      }
      cell.bill = bill;
      cell.committed = bill;
      cell.entry = entry;
      shard.residents.schedule(cell);
      shard.tell(bill, touched);
    },
  };
}
