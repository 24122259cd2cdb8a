// An entry's bytes: one byte of version, four of CRC-32 (since version 2), then msgpack whose records have the shapes of
// a fixed table, or define themselves inline, so that every entry can be read by itself, whatever was written before it.
//
//   C1. What was written can be read for ever: a version's reader, once released, is not removed.
//   C2. Numbers stay numbers: msgpack carries integers of 2^32 and more as float64, which holds every safe integer.
//   C3. What clients gave as free JSON (metadata, receipts) is carried as JSON text: its keys are theirs, and msgpack
//       records would make a new shape of each bill, and rename a key called `__proto__`.
//   C4. A damaged entry is refused as such, and changes nothing for the next one, which may be another shard's: the
//       table of shapes is put back after each entry, since bytes can redefine it.
//   C5. Foreign bytes that a torn disk left in an entry are never believed, even where they could be read: Redis loads
//       them unseen. The sum is CRC-32 as in zlib, over the msgpack, high byte first; since version 3 it goes on from the version,
//       so that one version's bytes are not taken for another's.

import { crc32 } from 'node:zlib';
import { Packr, Unpackr } from 'msgpackr';
import { assert } from '../../domain/assert.ts';
import type { BillEvent, BillFact, Json, Terms } from '../../domain/bill/vocabulary.ts';
import {
  type EntryCodec,
  type EntryContent,
  type Transition,
  UnreadableEntry,
} from '../../switch/records.ts';
import { SHAPES_V1 } from './entry-shapes.ts';

/** The version that today's code writes. */
export const ENTRY_VERSION = 10;

const SUM_BYTES = 4;

/**
 * From what was stored to today's content, by version. A new version changes ENTRY_VERSION and `store`, gets a reader
 * of its own, and turns the reader before it into an upcaster: old form to new form, then the new reader.
 */
const readers: { readonly [version: number]: Reader } = {
  1: { body: (payload) => payload.subarray(1), restore: restoreContent },
  2: summed(0),
  // Static bills came with facts of their own; what there was before stands as it stood.
  3: summed(3),
  // Policies: members at the end of terms and payments, where there is something to say.
  4: summed(4),
  // Timer bills came, with what they charge.
  5: summed(5),
  // Tips: members at the end of terms, payments and credits, where there are any.
  6: summed(6),
  // The institution of a payment, where it is another than the bill's, and the mode of a bill for tests.
  7: summed(7),
  // Rejected credits are requested again, or closed.
  8: summed(8),
  // Dead letters are sent again.
  9: summed(9),
  // Bills at an acquirer came, with the chain of calls there.
  10: summed(10),
};

interface Reader {
  /** The msgpack in an entry. */
  readonly body: (payload: Uint8Array) => Uint8Array;
  readonly restore: (stored: unknown) => EntryContent;
}

/** A reader of bytes whose sum went on from `start`. */
function summed(start: number): Reader {
  return { body: (payload) => checkedBody(payload, start), restore: restoreContent };
}

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
      const payload = Buffer.allocUnsafe(1 + SUM_BYTES + packed.length);
      payload[0] = ENTRY_VERSION;
      payload.writeUInt32BE(crc32(packed, ENTRY_VERSION), 1);
      payload.set(packed, 1 + SUM_BYTES);
      return payload;
    },
    decode(payload) {
      const version = payload[0];
      if (version === undefined) throw new UnreadableEntry('an entry of no bytes');
      const reader = readers[version];
      if (reader === undefined) {
        throw new UnreadableEntry(
          `an entry of version ${version}; this switch reads versions up to ${ENTRY_VERSION}`,
        );
      }
      try {
        return reader.restore(unpackr.unpack(reader.body(payload)));
      } catch (error) {
        throw new UnreadableEntry(`a damaged entry of version ${version}`, { cause: error });
      } finally {
        // C4.
        for (let i = 0; i < shapes.length; i++) table[i] = shapes[i] as object;
      }
    },
  };
}

/** C5. The sum went on from `start`. */
function checkedBody(payload: Uint8Array, start: number): Uint8Array {
  const sum = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(1);
  const body = payload.subarray(1 + SUM_BYTES);
  assert(crc32(body, start) === sum, 'the sum of the entry is not that of its bytes');
  return body;
}

/** A table of one's own: msgpackr keeps its transitions in it. */
function tableOf(shapes: readonly (readonly string[])[]): object[] {
  return shapes.map((keys) => [...keys]);
}

type StoredJson = string | null;
type StoredTerms = Omit<Terms, 'metadata'> & { readonly metadata: StoredJson };
type FreeFact = Extract<
  BillFact,
  {
    readonly type:
      | 'BillCreated'
      | 'BillConfirmed'
      | 'ReceiptAttached'
      | 'PartsRecalled'
      | 'EventResent'
      | 'AcquiringBegun'
      | 'AcquiringKept';
  }
>;
type StoredEvent = Omit<BillEvent, 'receipt'> & { readonly receipt: StoredJson };
type StoredFact =
  | Exclude<BillFact, FreeFact>
  | { readonly type: 'BillCreated'; readonly terms: StoredTerms }
  | (Omit<Extract<FreeFact, { type: 'BillConfirmed' }>, 'receipt'> & {
      readonly receipt: StoredJson;
    })
  | { readonly type: 'ReceiptAttached'; readonly receipt: StoredJson }
  | { readonly type: 'EventResent'; readonly event: StoredEvent }
  // A driver's own notes are in both: as JSON, their keys are theirs (C3).
  | { readonly type: 'AcquiringBegun' | 'AcquiringKept'; readonly json: string }
  | (Omit<Extract<FreeFact, { type: 'PartsRecalled' }>, 'events'> & {
      readonly events: readonly StoredEvent[];
    });
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
      transition.kind === 'bill' && transition.facts.some(hasFree)
        ? { ...transition, facts: transition.facts.map(storeFact) }
        : (transition as StoredTransition),
    ),
  };
}

/** Whether the fact carries JSON of the terminal's own; most carry none, and are stored as they are. */
function hasFree(fact: BillFact | StoredFact): boolean {
  switch (fact.type) {
    case 'BillCreated':
      return fact.terms.metadata !== null;
    case 'BillConfirmed':
    case 'ReceiptAttached':
      return fact.receipt !== null;
    case 'EventResent':
      return fact.event.receipt !== null;
    case 'AcquiringBegun':
    case 'AcquiringKept':
      return true;
    default:
      return fact.type === 'PartsRecalled';
  }
}

function storeFact(fact: BillFact): StoredFact {
  switch (fact.type) {
    case 'BillCreated':
      return { ...fact, terms: { ...fact.terms, metadata: asText(fact.terms.metadata) } };
    case 'BillConfirmed':
    case 'ReceiptAttached':
      return { ...fact, receipt: asText(fact.receipt) };
    case 'EventResent':
      return { ...fact, event: { ...fact.event, receipt: asText(fact.event.receipt) } };
    case 'AcquiringBegun':
    case 'AcquiringKept':
      return { type: fact.type, json: JSON.stringify(fact) };
    case 'PartsRecalled': {
      const events = fact.events.map((each) => ({ ...each, receipt: asText(each.receipt) }));
      return { ...fact, events };
    }
    default:
      return fact;
  }
}

function restoreContent(read: unknown): EntryContent {
  const stored = read as StoredContent;
  if (stored.kind === 'open' || stored.kind === 'closed') return stored;
  assert(stored.kind === 'batch', 'no kind of entry that version 1 knows');
  return {
    kind: 'batch',
    transitions: stored.transitions.map(restoreTransition),
  };
}

function restoreTransition(stored: StoredTransition): Transition {
  if (stored.kind === 'bill') {
    return stored.facts.some(hasFree)
      ? { ...stored, facts: stored.facts.map(restoreFact) }
      : (stored as Transition);
  }
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
    case 'EventResent':
      return { ...fact, event: { ...fact.event, receipt: fromText(fact.event.receipt) } };
    case 'AcquiringBegun':
    case 'AcquiringKept':
      return JSON.parse(fact.json) as BillFact;
    case 'PartsRecalled': {
      const events = fact.events.map((each) => ({ ...each, receipt: fromText(each.receipt) }));
      return { ...fact, events };
    }
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
