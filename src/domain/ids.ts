// Ids. A bill id is 26 characters of Crockford base32: 10 of time (ms), 3 of shard, 13 random (65 bits),
// so it sorts by time, routes by itself and cannot be guessed. Ids of payments, credits, events and
// reservations begin with the bill's, so all of it routes alike.

import { assert } from './assert.ts';
import type { Brand } from './brand.ts';
import type { Millis } from './time.ts';

export type BillId = Brand<string, 'BillId'>;
export type TerminalId = Brand<string, 'TerminalId'>;
export type MerchantId = Brand<string, 'MerchantId'>;
export type PaychannelId = Brand<string, 'PaychannelId'>;
export type InstitutionId = Brand<string, 'InstitutionId'>;
/** A client's own name for a thing (`orderId`, `paymentRef`, a key): 1 to 64 of `A-Za-z0-9._:-`. */
export type Reference = Brand<string, 'Reference'>;
export type ShardId = Brand<number, 'ShardId'>;

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;
const SHARD_LENGTH = 3;
/** Random characters in a bill id: 13 × 5 = 65 bits. */
export const BILL_ID_RANDOM_LENGTH = 13;
export const BILL_ID_LENGTH = TIME_LENGTH + SHARD_LENGTH + BILL_ID_RANDOM_LENGTH;
export const SHARDS_MAX = 32 ** SHARD_LENGTH;

const BILL_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const PART_ID = /^([0-9A-HJKMNP-TV-Z]{26})-([pcer])([1-9][0-9]{0,8})$/;
const REFERENCE = /^[A-Za-z0-9._:-]{1,64}$/;

/** Makes a bill id of a time, a shard and at least 13 random bytes. */
export function makeBillId(at: Millis, shard: ShardId, random: Uint8Array): BillId {
  assert(shard >= 0 && shard < SHARDS_MAX, `no such shard: ${shard}`);
  assert(random.length >= BILL_ID_RANDOM_LENGTH, 'too few random bytes for a bill id');
  let id = encode(at, TIME_LENGTH) + encode(shard, SHARD_LENGTH);
  for (let i = 0; i < BILL_ID_RANDOM_LENGTH; i++) id += ALPHABET.charAt((random[i] ?? 0) & 31);
  return id as BillId;
}

/** Undefined where the text is no bill id. Whether there is such a bill, and such a shard, it does not tell. */
export function parseBillId(text: string): BillId | undefined {
  return BILL_ID.test(text) ? (text as BillId) : undefined;
}

/** The shard that a bill id carries. */
export function shardOfBill(id: BillId): ShardId {
  let shard = 0;
  for (let i = TIME_LENGTH; i < TIME_LENGTH + SHARD_LENGTH; i++) {
    shard = shard * 32 + ALPHABET.indexOf(id.charAt(i));
  }
  return shard as ShardId;
}

/** Undefined where the text is none: 1 to 64 of A-Za-z0-9._:- */
export function parseReference(text: string): Reference | undefined {
  return REFERENCE.test(text) ? (text as Reference) : undefined;
}

/** What a part of a bill is: payment, credit, event or reservation. */
export type PartKind = 'p' | 'c' | 'e' | 'r';

/** The id of a bill's nth part; `no` counts from 1 within the bill and kind. */
export function partId(bill: BillId, kind: PartKind, no: number): string {
  return `${bill}-${kind}${no}`;
}

/** Reads a part's id; undefined where the text is no such id. */
export function parsePartId(
  text: string,
  kind: PartKind,
): { billId: BillId; no: number } | undefined {
  const match = PART_ID.exec(text);
  if (match === null || match[2] !== kind) return undefined;
  return { billId: match[1] as BillId, no: Number(match[3]) };
}

/** The shard of an order: FNV-1a over `terminalId`, a NUL and `orderId`, modulo the number of shards. For ever. */
export function shardOfOrder(terminalId: TerminalId, orderId: Reference, shards: number): ShardId {
  let hash = 0x811c9dc5;
  const text = `${terminalId}\u0000${orderId}`;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  // FNV's low bits are weak on short texts; one xor-fold spreads them before the modulus.
  hash = (hash ^ (hash >>> 15)) >>> 0;
  return (hash % shards) as ShardId;
}

function encode(value: number, length: number): string {
  let text = '';
  let rest = value;
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
