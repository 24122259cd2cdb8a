// What a new bill's code is to say: in the format that is asked for, else the terminal's, else its institution's, else
// ours. A format that cannot carry the bill is refused, wherever it was chosen: a code in another one might be a code
// that nobody at that till can read.

import type { QrFormat } from '../domain/bill/vocabulary.ts';
import type {
  CodeTerms,
  DriverAway,
  HostedFormats,
  QrClaim,
  QrCodes,
  QrIssue,
  QrSettings,
} from '../switch/qr.ts';
import type { ProposedTerms, SwitchRejection } from '../switch/requests.ts';

const NO_SETTINGS: QrSettings = { format: 'url', country: null, category: null, sbpMember: null };

export interface Formats {
  readonly codes: QrCodes;
  readonly hosted: HostedFormats;
}

/**
 * The terms with the code that they are to have, or why they cannot have it; later where a driver has to be asked. Proposed
 * ones have the format `url`.
 */
export function withCode(
  terms: ProposedTerms,
  asked: QrFormat | undefined,
  settings: QrSettings = NO_SETTINGS,
  { codes, hosted }: Formats,
): ProposedTerms | SwitchRejection | Promise<ProposedTerms | SwitchRejection> {
  const format = asked ?? settings.format;
  if (format === terms.qrFormat) return terms;
  const claim: QrClaim = {
    billId: terms.id,
    usage: terms.offer?.usage ?? 'single',
    amount: terms.amount === 0 ? null : terms.amount,
    takesTip: terms.tipMax !== undefined,
    currency: terms.currency,
    merchant: terms.merchant,
    orderId: terms.orderId,
    terminalId: terms.terminalId,
    settings,
  };
  const chosen = asked === undefined ? ', which is set for this terminal' : '';
  const coded = (issued: CodeTerms | Exclude<QrIssue, { payload: string }> | DriverAway) => {
    if ('away' in issued) return { rejected: 'driver.away', detail: issued.away } as const;
    if (!('unfit' in issued)) return { ...terms, ...issued };
    const detail = `In the format ${format}${chosen}: ${issued.unfit}`;
    return { rejected: 'qr.formatUnfit', detail } as const;
  };
  if (!hosted.names.has(format)) return coded(codes.issue(format, claim));
  return hosted
    .issue(format, claim)
    .then((issue) =>
      coded('payload' in issue ? { qrFormat: format, qrPayload: issue.payload } : issue),
    );
}
