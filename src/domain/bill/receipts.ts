// Fiscal receipts: objects of the client's own, carried and compared, never read.

import type { PresentBill } from './state.ts';
import type { BillDecision, CommandOf, Json } from './vocabulary.ts';

/** Decides on a receipt of a bill. The same again: no facts. */
export function attachReceipt(
  bill: PresentBill,
  command: CommandOf<'AttachReceipt'>,
): BillDecision {
  if (sameJson(command.receipt, bill.ending.receipt)) return [];

  return [{ type: 'ReceiptAttached', receipt: command.receipt }];
}

/** Whether a repeated confirm with this receipt says nothing new. */
export function isKnownReceipt(bill: PresentBill, receipt: Json): boolean {
  return (
    receipt === null ||
    sameJson(receipt, bill.ending.receipt) ||
    sameJson(receipt, bill.ending.replacedReceipt)
  );
}

/** Deep equality of JSON values; the order of an object's keys says nothing. */
export function sameJson(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (!isNested(left) || !isNested(right)) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const leftKeys = Object.keys(left);
  if (leftKeys.length !== Object.keys(right).length) return false;
  return leftKeys.every(
    (key) => Object.hasOwn(right, key) && sameJson(at(left, key), at(right, key)),
  );
}

type Nested = readonly Json[] | { readonly [key: string]: Json };

function isNested(value: Json): value is Nested {
  return typeof value === 'object' && value !== null;
}

/** A list is read by its indices, as its keys give them. */
function at(nested: Nested, key: string): Json {
  return (nested as { readonly [key: string]: Json })[key] ?? null;
}
