// A bill at rest in memory: the bytes of history's codec.

import type { BillPacker } from '../../switch/resting-bills.ts';
import { makeBillCodec } from './bill-codec.ts';

/** One a thread is enough. */
export function makeBillPacker(): BillPacker {
  const codec = makeBillCodec();
  return {
    pack: (bill) => codec.encodeBill(bill),
    unpack: (packed) => codec.decodeBill(packed),
  };
}
