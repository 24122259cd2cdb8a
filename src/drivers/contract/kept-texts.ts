// What drivers and the systems behind them say, as it may be kept. No store gives back U+0000 or half a surrogate pair as it
// came, and Postgres never takes U+0000 in a text. Clients are refused for either at the door (protocols/schemas); what a
// bank has done is done, in whatever words it says so. And of what a driver answers no more is kept than the contract names:
// what else stands there may have no end, or be what no text can say.

import { parseReference } from '../../domain/ids.ts';
import {
  type NotDone,
  type Outcome,
  type Registration,
  type Sighting,
  type Unknown,
  unknown,
} from './bill-driver.ts';

/** As long as what clients may give as a reason. */
const WORDS_MAX = 500;
const LINE_MAX = 200;
const UNFIT = /[\p{Surrogate}\0]/u;
const EACH_UNFIT = /[\p{Surrogate}\0]/gu;
const UNKEPT_MS = 60_000;

/** Words for people: cut, and with U+FFFD in place of what cannot be kept. */
export function asWords(text: string): string {
  return text.slice(0, WORDS_MAX).replaceAll(EACH_UNFIT, '\ufffd');
}

/** On one line and short, as a driver's own process is quoted, whatever it has thrown. */
export function asLine(words: unknown): string {
  // Its code can say anything, and of an object nobody knows that it can be read as text.
  const text = typeof words === 'string' ? words : '';
  return asWords(text.slice(0, LINE_MAX).replace(/\p{Cc}/gu, ' '));
}

/** Whether a text that must be given back letter for letter can be. */
export function isKeepable(text: string): boolean {
  return !UNFIT.test(text);
}

/** What came of a call that answers with a sighting, whoever's the driver is. */
export function keptSighting(outcome: Outcome<Sighting>): Outcome<Sighting> {
  if (outcome.outcome !== 'done') return inWords(outcome);
  const { status, paid, returned, isReturning, reference, payer } = outcome.value;
  const said = { reference: wordsOrNull(reference), payer: wordsOrNull(payer) };
  return { outcome: 'done', value: { status, paid, returned, isReturning, ...said } };
}

/** What came of registering. What is not kept as it is would name another's bill there, or nobody's. */
export function keptRegistration(outcome: Outcome<Registration>): Outcome<Registration> {
  if (outcome.outcome !== 'done') return inWords(outcome);
  const { id, amount, currency, ref, payload, notes } = outcome.value;
  const texts = [ref, payload, ...Object.entries(notes).flat()];
  if (parseReference(id) !== undefined && texts.every(isKeepable)) {
    return { outcome: 'done', value: { id, amount, currency, ref, payload, notes: { ...notes } } };
  }
  return unknown('what it was registered as cannot be kept', UNKEPT_MS);
}

function inWords(said: NotDone | Unknown): NotDone | Unknown {
  const detail = asWords(said.detail);
  if (said.outcome === 'notDone') {
    return { outcome: 'notDone', code: said.code, detail, again: said.again };
  }
  const { afterMs, unsent } = said;
  return { outcome: 'unknown', detail, afterMs, ...(unsent === undefined ? {} : { unsent }) };
}

function wordsOrNull(text: string | null): string | null {
  return text === null ? null : asWords(text);
}
