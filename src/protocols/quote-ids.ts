// A quote's id says all of it, with a tag over that and the bill: nobody has to remember what was told, and none but the
// switch can say it.

import type { Quote } from '../domain/bill/vocabulary.ts';
import type { BillId } from '../domain/ids.ts';
import type { Minor } from '../domain/money.ts';
import { type Millis, millis } from '../domain/time.ts';
import type { QrCodes } from '../switch/qr.ts';

const QUOTE_ID = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9a-z]{1,11})\.([0-9A-Z]{26})$/;
const BASE = 36;

/** One that was no quote, or another bill's: it ended long ago. */
const NO_QUOTE: Quote = { total: 0 as Minor, coveredUntil: millis(0), until: millis(0) };

export function quoteIdOf(codes: QrCodes, billId: BillId, quote: Quote): string {
  const { total, coveredUntil, until } = quote;
  const said = [total, coveredUntil, until].map((each) => each.toString(BASE)).join('.');
  return `${said}.${codes.tagOfQuote(`${billId}.${said}`)}`;
}

/** The quote that an id stands for. What is no quote of this bill is told from one that has run out by nobody. */
export function readQuote(codes: QrCodes, billId: BillId, id: string): Quote {
  const [, total, coveredUntil, until] = QUOTE_ID.exec(id) ?? [];
  if (total === undefined || coveredUntil === undefined || until === undefined) return NO_QUOTE;
  const quote: Quote = {
    total: numberIn(total) as Minor,
    coveredUntil: numberIn(coveredUntil) as Millis,
    until: numberIn(until) as Millis,
  };
  return quoteIdOf(codes, billId, quote) === id ? quote : NO_QUOTE;
}

/** The operation with the quote that the request names, if it names one. */
export function withQuote<Quotable extends { readonly billId: BillId }>(
  operation: Quotable,
  { quoteId }: { readonly quoteId?: string },
  { codes }: { readonly codes: QrCodes },
): Quotable & { readonly quote?: Quote } {
  if (quoteId === undefined) return operation;
  return { ...operation, quote: readQuote(codes, operation.billId, quoteId) };
}

function numberIn(text: string): number {
  return Number.parseInt(text, BASE);
}
