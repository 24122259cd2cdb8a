// Bytes with something wrong.

import type { Choices } from './choices.ts';

/** Bytes that lengths, tags and separators are made of. */
const TELLING = [
  0x00, 0x0a, 0x0d, 0x20, 0x22, 0x7b, 0x7d, 0x7f, 0x80, 0x8f, 0xc0, 0xc1, 0xc4, 0xc7,
];
const TAGS = [...TELLING, 0xd4, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xfe, 0xff];

/** The same with at least one change: bits, bytes, ends, pieces doubled, moved or put in. */
export function mutated(choices: Choices, bytes: Buffer): Buffer {
  let changed = bytes;
  for (let left = choices.between(1, 4); left > 0; left--) changed = mutatedOnce(choices, changed);
  return changed;
}

function mutatedOnce(choices: Choices, bytes: Buffer): Buffer {
  const at = choices.below(bytes.length + 1);
  const rest = bytes.length - at;
  switch (choices.below(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << choices.below(8));
      return copy;
    }
    case 2: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = choices.pick(TAGS);
      return copy;
    }
    case 3:
      return Buffer.concat([bytes.subarray(0, at), someBytes(choices, 8), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + choices.below(8))]);
    case 5: {
      const piece = bytes.subarray(at, at + Math.min(rest, 1 + choices.below(16)));
      return Buffer.concat([bytes.subarray(0, at), piece, piece, bytes.subarray(at)]);
    }
    default: {
      const lengths = Buffer.alloc(4, 0xff);
      return Buffer.concat([bytes.subarray(0, at), lengths, bytes.subarray(at + 4)]);
    }
  }
}

export function someBytes(choices: Choices, most: number): Buffer {
  return Buffer.from(
    choices.several(most, () => (choices.chance(0.4) ? choices.pick(TAGS) : choices.below(256))),
  );
}
