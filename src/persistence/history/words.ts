// Words in tuples.

import { must } from '../../domain/assert.ts';

/** A word is stored as its place in its list; the lists only grow at their end (K1 in bill-codec.ts). */
export function words<const W extends string>(...list: readonly W[]) {
  const placeByWord = new Map<string, number>(list.map((word, place) => [word, place]));
  return {
    place(word: W): number {
      return must(placeByWord.get(word), `a place for the word ${word}`);
    },
    /** Undefined where it is none of these words. */
    placeIn(word: string): number | undefined {
      return placeByWord.get(word);
    },
    word(place: number): W {
      return must(list[place], `a word in place ${place}`);
    },
  };
}
