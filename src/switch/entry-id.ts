// An entry of a shard's log is `<epoch>-<sequence>`. Inside the switch it is one safe integer, so that comparing
// two is one instruction: epoch × 2^32 + sequence, with epochs below 2^21. An owner whose sequence runs out opens
// its next epoch; epochs last for 24 days of one crash a second.

import { assert } from '../domain/assert.ts';
import type { Brand } from '../domain/brand.ts';

export type EntryId = Brand<number, 'EntryId'>;

const SEQUENCES = 2 ** 32;
const EPOCHS = 2 ** 21;

/** Before the first entry of any log. */
export const NO_ENTRY = 0 as EntryId;

/** Out of range is a Defect: an epoch of 2^21 or more, a sequence of 2^32 or more. */
export function entryId(epoch: number, sequence: number): EntryId {
  assert(epoch >= 0 && epoch < EPOCHS, `epoch out of range: ${epoch}`);
  assert(sequence >= 0 && sequence < SEQUENCES, `sequence out of range: ${sequence}`);
  return (epoch * SEQUENCES + sequence) as EntryId;
}

export function epochOf(id: EntryId): number {
  return Math.floor(id / SEQUENCES);
}

export function sequenceOf(id: EntryId): number {
  return id % SEQUENCES;
}

/** Whether the epoch has no sequence left after this entry, so that the owner must open the next one. */
export function isLastOfEpoch(id: EntryId): boolean {
  return sequenceOf(id) === SEQUENCES - 1;
}

/** `<epoch>-<sequence>`, as the stores spell it. */
export function formatEntryId(id: EntryId): string {
  return `${epochOf(id)}-${sequenceOf(id)}`;
}

/** Reads `<epoch>-<sequence>`; anything else is a Defect, since only the stores give us such ids. */
export function readEntryId(text: string): EntryId {
  const [epoch, sequence] = text.split('-');
  assert(epoch !== undefined && sequence !== undefined, `not an entry id: ${text}`);
  return entryId(Number(epoch), Number(sequence));
}
