// An entry's bytes: one byte of version, then msgpack whose records have the shapes of that version's table, or define
// themselves inline, so that every entry can be read by itself, whatever was written before it.
//
//   C1. What was written can be read for ever: a version's reader, once released, is not removed.
//   C2. Numbers stay numbers: msgpack carries integers of 2^32 and more as float64, which holds every safe integer.
//   C3. What clients gave as free JSON (metadata, receipts) is carried as JSON text: its keys are theirs, and msgpack
//       records would make a new shape of each bill, and rename a key called `__proto__`.
//   C4. A damaged entry is refused as such, and changes nothing for the next one, which may be another shard's: the
//       table of shapes is put back after each entry, since bytes can redefine it.

import { Packr, Unpackr } from 'msgpackr';
import { assert } from '../../domain/assert.ts';
import type { BillFact, Json, Terms } from '../../domain/bill/vocabulary.ts';
import {
  type EntryCodec,
  type EntryContent,
  type Transition,
  UnreadableEntry,
} from '../../switch/records.ts';
import { SHAPES_V1 } from './entry-shapes.ts';

/** The version that today's code writes. */
export const ENTRY_VERSION = 1;

/**
 * From what was stored to today's content, by version. A new version changes ENTRY_VERSION and `store`, gets a reader
 * of its own, and turns the reader before it into an upcaster: old form to new form, then the new reader.
 */
const readers: { readonly [version: number]: (stored: unknown) => EntryContent } = {
  1: (stored) => restore(stored as StoredContent),
};

/** A codec keeps working buffers: one a thread is enough. */
export function makeEntryCodec(): EntryCodec {
  // Both ends must agree on how many shapes are shared: it decides how an inline one is written.
  const common = { useRecords: true, maxSharedStructures: SHAPES_V1.length };
  const packr = new Packr({
    ...common,
    encodeUndefinedAsNil: true,
    structures: tableOf(SHAPES_V1),
  });
  const table = tableOf(SHAPES_V1);
  const shapes = [...table];
  const unpackr = new Unpackr({ ...common, int64AsType: 'number', structures: table });
  return {
    encode(content) {
      const packed = packr.pack(store(content));
      const payload = Buffer.allocUnsafe(packed.length + 1);
      payload[0] = ENTRY_VERSION;
      payload.set(packed, 1);
      return payload;
    },
    decode(payload) {
      const version = payload[0];
      if (version === undefined) throw new UnreadableEntry('an entry of no bytes');
      const read = readers[version];
      if (read === undefined) {
        throw new UnreadableEntry(
          `an entry of version ${version}; this switch reads versions up to ${ENTRY_VERSION}`,
        );
      }
      try {
        return read(unpackr.unpack(payload.subarray(1)));
      } catch (error) {
        throw new UnreadableEntry(`a damaged entry of version ${version}`, { cause: error });
      } finally {
        // C4.
        for (let i = 0; i < shapes.length; i++) table[i] = shapes[i] as object;
      }
    },
  };
}

/** A table of one's own: msgpackr keeps its transitions in it. */
function tableOf(shapes: readonly (readonly string[])[]): object[] {
  return shapes.map((keys) => [...keys]);
}

type StoredJson = string | null;
type StoredTerms = Omit<Terms, 'metadata'> & { readonly metadata: StoredJson };
type FreeFact = Extract<
  BillFact,
  { readonly type: 'BillCreated' | 'BillConfirmed' | 'ReceiptAttached' }
>;
type StoredFact =
  | Exclude<BillFact, FreeFact>
  | { readonly type: 'BillCreated'; readonly terms: StoredTerms }
  | (Omit<Extract<FreeFact, { type: 'BillConfirmed' }>, 'receipt'> & {
      readonly receipt: StoredJson;
    })
  | { readonly type: 'ReceiptAttached'; readonly receipt: StoredJson };
type StoredTransition =
  | Exclude<Transition, { readonly kind: 'bill' }>
  | (Omit<Extract<Transition, { kind: 'bill' }>, 'facts'> & { readonly facts: StoredFact[] });
type StoredContent =
  | Extract<EntryContent, { readonly kind: 'open' | 'closed' }>
  | { readonly kind: 'batch'; readonly transitions: StoredTransition[] };

function store(content: EntryContent): StoredContent {
  if (content.kind !== 'batch') return content;
  return {
    kind: 'batch',
    transitions: content.transitions.map((transition) =>
      transition.kind === 'bill'
        ? { ...transition, facts: transition.facts.map(storeFact) }
        : transition,
    ),
  };
}

function storeFact(fact: BillFact): StoredFact {
  switch (fact.type) {
    case 'BillCreated':
      return { ...fact, terms: { ...fact.terms, metadata: asText(fact.terms.metadata) } };
    case 'BillConfirmed':
    case 'ReceiptAttached':
      return { ...fact, receipt: asText(fact.receipt) };
    default:
      return fact;
  }
}

function restore(stored: StoredContent): EntryContent {
  if (stored.kind === 'open' || stored.kind === 'closed') return stored;
  assert(stored.kind === 'batch', 'no kind of entry that version 1 knows');
  return {
    kind: 'batch',
    transitions: stored.transitions.map(restoreTransition),
  };
}

function restoreTransition(stored: StoredTransition): Transition {
  if (stored.kind === 'bill') return { ...stored, facts: stored.facts.map(restoreFact) };
  assert(stored.kind === 'orderVoided', 'no kind of transition that version 1 knows');
  return stored;
}

function restoreFact(fact: StoredFact): BillFact {
  switch (fact.type) {
    case 'BillCreated': {
      const metadata = fromText(fact.terms.metadata) as Terms['metadata'];
      return { ...fact, terms: { ...fact.terms, metadata } };
    }
    case 'BillConfirmed':
    case 'ReceiptAttached':
      return { ...fact, receipt: fromText(fact.receipt) };
    default:
      return fact;
  }
}

function asText(value: Json): StoredJson {
  return value === null ? null : JSON.stringify(value);
}

function fromText(text: StoredJson): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}
