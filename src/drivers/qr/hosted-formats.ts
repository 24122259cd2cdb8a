// The formats of loaded drivers as a gateway asks them: what a driver cannot carry by its own word is never asked of it,
// and what it answers is read again here. A till is given no text before its driver has read its own bill out of it: one
// that mixes up two bills would have a payer pay another's.

import { type BillId, parseBillId } from '../../domain/ids.ts';
import {
  type DriverAway,
  type HostedFormats,
  QR_BYTES_MAX,
  type QrIssue,
  type QrReading,
} from '../../switch/qr.ts';
import { asWords, isKeepable } from '../contract/kept-texts.ts';
import { type QrCapabilities, unfitFor } from '../contract/qr-driver.ts';
import type { Asked } from '../host/hosted-process.ts';

/** A format that has been loaded; plain, so that it crosses threads. */
export interface LoadedFormat {
  readonly name: string;
  readonly capabilities: QrCapabilities;
}

/** Asks the driver of a format, wherever it runs. Never rejects. */
export type AskFormat = (
  format: string,
  call: 'issue' | 'read',
  args: readonly unknown[],
) => Promise<Asked>;

/** `refused` is told of each text that was not handed out. */
export function hostedFormats(
  loaded: readonly LoadedFormat[],
  ask: AskFormat,
  refused: (format: string, why: string) => void,
): HostedFormats {
  const byName = new Map(loaded.map((format) => [format.name, format.capabilities]));
  return {
    names: new Set(byName.keys()),
    async issue(format, claim) {
      const capabilities = byName.get(format);
      if (capabilities === undefined) return { unfit: 'It is not loaded here.' };
      const unfit = unfitFor(capabilities, claim);
      if (unfit !== undefined) return { unfit };
      const asked = await ask(format, 'issue', [claim]);
      if (asked.is !== 'answered') return awayOf(format);
      const issue = asked.answer as QrIssue;
      if ('unfit' in issue) return { unfit: asWords(issue.unfit) };
      const why = fits(capabilities, issue.payload)
        ? await misreadBy(format, { text: issue.payload, of: claim.billId }, ask)
        : 'a text that is none of its codes';
      if (why === undefined) return issue;
      if (typeof why === 'object') return why;
      refused(format, why);
      return { away: `The driver ${format} gave ${why}.` };
    },
    read(text) {
      const scanned = text.trim();
      const asked = loaded.filter(({ capabilities }) => begins(capabilities, scanned));
      if (asked.length === 0) return undefined;
      return Promise.all(asked.map(({ name }) => readBy(name, scanned, ask))).then(firstOf);
    },
  };
}

/** Undefined: as a scanner will have read it, its driver knows its bill by it. */
async function misreadBy(
  format: string,
  { text, of }: { readonly text: string; readonly of: BillId },
  ask: AskFormat,
): Promise<string | DriverAway | undefined> {
  const reading = await readBy(format, text.trim(), ask);
  if (typeof reading === 'object' && 'away' in reading) return reading;
  const isIts = typeof reading === 'object' && reading.billId === of;
  return isIts ? undefined : 'a text that it does not read as this bill';
}

async function readBy(
  format: string,
  text: string,
  ask: AskFormat,
): Promise<QrReading | DriverAway> {
  const asked = await ask(format, 'read', [text]);
  if (asked.is !== 'answered') return awayOf(format);
  const reading = asked.answer as QrReading;
  if (typeof reading === 'string') return reading;
  const billId = parseBillId(reading.billId);
  return billId === undefined ? 'tampered' : { billId };
}

/** A bill, where one of them names it; else what keeps the others from being sure that it is nobody's. */
function firstOf(readings: readonly (QrReading | DriverAway)[]): QrReading | DriverAway {
  const isBill = (reading: QrReading | DriverAway) =>
    typeof reading === 'object' && 'billId' in reading;
  return (
    readings.find(isBill) ??
    readings.find((reading) => reading === 'tampered') ??
    readings.find((reading) => typeof reading === 'object') ??
    'foreign'
  );
}

function begins({ begins: starts }: QrCapabilities, text: string): boolean {
  return starts.some((start) => text.startsWith(start));
}

function fits(capabilities: QrCapabilities, payload: string): boolean {
  return (
    payload.length <= capabilities.lengthMax &&
    Buffer.byteLength(payload) <= QR_BYTES_MAX &&
    begins(capabilities, payload) &&
    isKeepable(payload)
  );
}

/** What is amiss is for the log: its words may be the driver's, and a till is not who mends it. */
function awayOf(format: string): DriverAway {
  return { away: `The driver ${format} could not be asked, or has not answered as it should.` };
}
