// What a new bill's code is to say: in the format that is asked for, else the terminal's, else its institution's, else
// ours. A format that cannot carry the bill is refused, wherever it was chosen: a code in another one might be a code
// that nobody at that till can read.

import type { Static } from '@sinclair/typebox';
import { must } from '../domain/assert.ts';
import type { Terms } from '../domain/bill/vocabulary.ts';
import type { BillId, Reference, TerminalId } from '../domain/ids.ts';
import type { Currency, Minor } from '../domain/money.ts';
import type { Principal } from '../switch/ports.ts';
import type { QrCodes, QrSettings } from '../switch/qr.ts';
import type { Problem } from './problem-document.ts';
import type { billCreate } from './schemas/requests.ts';

const NO_SETTINGS: QrSettings = { format: 'url', country: null, category: null, sbpMember: null };

/** The terms that say what the code is; `principal` is the terminal that makes the bill. */
export function issueCode(
  request: Static<typeof billCreate>,
  billId: BillId,
  principal: Principal,
  codes: QrCodes,
): Pick<Terms, 'qrFormat' | 'qrPayload'> | Problem {
  const settings = principal.qr ?? NO_SETTINGS;
  const format = request.qrFormat ?? settings.format;
  const issued = codes.issue(format, {
    billId,
    usage: 'single',
    amount: request.amount as Minor,
    currency: request.currency as Currency,
    merchant: must(principal.merchant, 'the merchant of a terminal'),
    orderId: request.orderId as Reference,
    terminalId: principal.id as TerminalId,
    settings,
  });
  if (!('unfit' in issued)) return issued;
  const chosen = request.qrFormat === undefined ? ', which is set for this terminal' : '';
  return { code: 'qr.formatUnfit', detail: `In the format ${format}${chosen}: ${issued.unfit}` };
}
