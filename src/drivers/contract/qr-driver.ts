// The contract of a driver for a QR format: it makes the text of a bill's code, and knows such a text again. Three rules
// bind it, and `npm run driver:check` tries them:
//
//   Q1. **What it issues it reads**, in every one of its lives: the same claim gives the same text, and the text its bill.
//   Q2. **A changed code is none.** Each text carries a tag over all that it says, made with the `tag` it is given; a
//       checksum is not enough. What was changed is `tampered` or `foreign`, and never another bill.
//   Q3. **A no is said before anything is made**: what its capabilities leave out, and what it cannot carry, is `unfit`.
//       Nothing is thrown, whatever was scanned.

import type { QrClaim, QrIssue, QrReading, QrSettings } from '../../switch/qr.ts';
import type { DriverModule, Surroundings } from './driver-module.ts';

/** What a driver's package exports, as `driver`. Its name is the format's, as `qrFormat` has it. */
export interface QrDriverModule<Driver extends QrDriver = QrDriver>
  extends DriverModule<Driver, QrSurroundings> {
  readonly kind: 'qr';
}

export interface QrSurroundings extends Surroundings {
  /** A tag of so many (an even number of) characters of Crockford base32, keyed by this switch for this format alone. */
  tag(text: string, length: number): string;
}

export interface QrCapabilities {
  /** Whether its codes are for one sale, for many payments, or for either. */
  readonly usages: readonly QrClaim['usage'][];
  /** For which of them it can leave the amount to the payer. */
  readonly openAmounts: readonly QrClaim['usage'][];
  /** Null: any. */
  readonly currencies: readonly string[] | null;
  /** What the directory must say for it to make a code. */
  readonly needs: readonly Exclude<keyof QrSettings, 'format'>[];
  /** With one of these every text of its begins; what begins otherwise it is not asked to read. */
  readonly begins: readonly string[];
  /** No text of its is longer. */
  readonly lengthMax: number;
}

export interface QrDriver {
  readonly capabilities: QrCapabilities;
  issue(claim: QrClaim): QrIssue | Promise<QrIssue>;
  read(text: string): QrReading | Promise<QrReading>;
  close(): Promise<void>;
}

/** One of ours, which answers at once: it runs where it is asked. */
export interface OwnQrDriver extends QrDriver {
  issue(claim: QrClaim): QrIssue;
  read(text: string): QrReading;
}

/** The longest text that a scanner may send. */
export const QR_TEXT_MAX = 2_000;

/** What of a claim the capabilities leave out: one sentence; undefined: nothing. */
export function unfitFor(
  { usages, openAmounts, currencies, needs }: QrCapabilities,
  { usage, amount, currency, settings }: QrClaim,
): string | undefined {
  const many = usage === 'many' ? 'many payments' : 'one payment';
  if (!usages.includes(usage)) return `It has no codes for ${many}.`;
  if (amount === null && !openAmounts.includes(usage)) {
    return `Its codes for ${many} name their amount.`;
  }
  if (currencies !== null && !currencies.includes(currency)) {
    return `It carries ${currencies.join(', ')}, and the bill is in ${currency}.`;
  }
  const missing = needs.filter((name) => settings[name] === null);
  return missing.length === 0 ? undefined : `The directory does not say its ${missing.join(', ')}.`;
}
