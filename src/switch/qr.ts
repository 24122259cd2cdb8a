// QR codes: what the switch asks of its own formats together, and of those that other people's drivers bring. The gateway,
// which makes bills and reads scanned texts, asks both; the worker, which shows bills, asks the first.

import type { QrFormat, Terms } from '../domain/bill/vocabulary.ts';
import type { BillId, Reference, TerminalId } from '../domain/ids.ts';
import type { Currency, Minor } from '../domain/money.ts';

/** What the directory says of codes: copied into a terminal's principal, so that a create needs no look-up. */
export interface QrSettings {
  /** The terminal's format, else its institution's. */
  readonly format: QrFormat;
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null;
  /** Merchant category code of ISO 18245. */
  readonly category: string | null;
  /** The institution's number as a member of SBP: 12 digits. */
  readonly sbpMember: string | null;
}

/** Of whom operators set what codes are made of. */
export type CodedKind = 'institution' | 'merchant' | 'terminal';

/** What operators set of it; each kind has its own of these. What is left out stays, null is no longer set. */
export interface CodeFields {
  readonly format?: QrFormat | null;
  readonly country?: string | null;
  readonly category?: string | null;
  readonly sbpMember?: string | null;
}

/** What is set of a party, and what is in force for it. */
export interface PartyCodes {
  readonly set: CodeFields;
  readonly inForce: QrSettings;
}

/** What a code may say of its bill. */
export interface QrClaim {
  readonly billId: BillId;
  /** Whether the code is for one sale or stands printed for many. */
  readonly usage: 'single' | 'many';
  /** Null: the payer chooses it, or it is not known yet. */
  readonly amount: Minor | null;
  /** Whether the payer may add a tip. */
  readonly takesTip: boolean;
  readonly currency: Currency;
  readonly merchant: { readonly name: string; readonly city: string };
  readonly orderId: Reference;
  readonly terminalId: TerminalId;
  readonly settings: QrSettings;
}

/** In UTF-8: so much fits the largest code with the least error correction, whatever it says. */
export const QR_BYTES_MAX = 2_953;

/** A code's text, or why the format cannot carry the claim: one sentence for the client. */
export type QrIssue = { readonly payload: string } | { readonly unfit: string };

/**
 * The bill that a scanned text names. `tampered`: it is one of our codes, but not as we issued it. `foreign`: it is no
 * code of ours.
 */
export type QrReading = { readonly billId: BillId } | 'tampered' | 'foreign';

export type CodeTerms = Pick<Terms, 'qrFormat' | 'qrPayload'>;

/** A driver was asked and has not answered as it should; one sentence for the client. Nothing was done. */
export interface DriverAway {
  readonly away: string;
}

/** The formats of loaded drivers, asked off every thread that serves: an answer comes later, and never as an exception. */
export interface HostedFormats {
  readonly names: ReadonlySet<string>;
  issue(format: QrFormat, claim: QrClaim): Promise<QrIssue | DriverAway>;
  /** Undefined: it begins like no code of theirs, so nobody is asked. */
  read(text: string): Promise<QrReading | DriverAway> | undefined;
}

/** All formats of our own together. */
export interface QrCodes {
  /** What a new bill's terms say of its code; `unfit` where the format cannot carry it, or is none of ours. */
  issue(format: QrFormat, claim: QrClaim): CodeTerms | { readonly unfit: string };
  payloadOf(terms: Pick<Terms, 'id' | 'qrFormat' | 'qrPayload'>): string;
  read(text: string): QrReading;
  /** The tag of a quote, with the key of the codes: who has it not can make no quote. */
  tagOfQuote(text: string): string;
}
