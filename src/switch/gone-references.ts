// All references that a bill has let go of since before the first of them, as bits: one that is not among them is new,
// and neither what waits for history nor history itself need be asked for it (A9). They may say yes wrongly, which costs a
// question; they never say no wrongly.

import type { KeptReference } from '../domain/bill/vocabulary.ts';
import { addTo, type BloomBlock, hashesOf, makeBlock, mayHold } from './bloom.ts';

/** As many as a dynamic bill has parts, or nearly so. */
const FIRST_BLOCK = 512;
const BLOCK_MAX = 65_536;
/** Of a code that takes payments for years: 320 KB, and from then on more and more questions. */
const GONE_MAX = 262_144;

type Named = Pick<KeptReference, 'kind' | 'scope' | 'ref'>;

export class GoneReferences {
  readonly #blocks: BloomBlock[] = [];
  #count = 0;

  add(reference: Named): void {
    addTo(this.#blockWithRoom(), hashesOf(keyOf(reference)));
    this.#count += 1;
  }

  /** False: the bill has not let go of it. True: perhaps. */
  mayHold(reference: Named): boolean {
    const hashes = hashesOf(keyOf(reference));
    return this.#blocks.some((block) => mayHold(block, hashes));
  }

  #blockWithRoom(): BloomBlock {
    const last = this.#blocks.at(-1);
    if (last !== undefined && (last.count < last.capacity || this.#count >= GONE_MAX)) return last;
    const block = makeBlock(Math.min((last?.capacity ?? FIRST_BLOCK / 4) * 4, BLOCK_MAX));
    this.#blocks.push(block);
    return block;
  }
}

function keyOf({ kind, scope, ref }: Named): string {
  return `${kind} ${scope} ${ref}`;
}
