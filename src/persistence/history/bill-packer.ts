// A bill at rest in memory: the bytes of history's codec, one to a character of a string. A string costs a third of what a
// small buffer does, and the garbage collector never looks inside.

import type { BillPacker } from '../../switch/resting-bills.ts';
import { makeBillCodec } from './bill-codec.ts';

/** One a thread is enough. */
export function makeBillPacker(): BillPacker {
  const codec = makeBillCodec();
  return {
    pack: (bill) => {
      const { buffer, byteOffset, byteLength } = codec.encodeBill(bill);
      return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
    },
    unpack: (packed) => codec.decodeBill(Buffer.from(packed, 'latin1')),
  };
}
