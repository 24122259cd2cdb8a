// The checks of the contract for a QR format, each by itself on drivers of its own. A name says what a driver does; the check
// throws what it saw instead. The rules Q1 to Q3 stand in qr-driver.ts.

import { parseBillId } from '../../domain/ids.ts';
import { QR_BYTES_MAX, type QrClaim, type QrIssue, type QrReading } from '../../switch/qr.ts';
import {
  QR_TEXT_MAX,
  type QrCapabilities,
  type QrDriver,
  type QrDriverModule,
  unfitFor,
} from '../contract/qr-driver.ts';
import { makeTagger } from '../qr/tag.ts';
import type { Calls } from './calls.ts';
import { type Check, demand } from './check.ts';
import { claimOf, manyBills, NAMES, OTHER_BILL } from './claims.ts';
import { openHeld } from './held-driver.ts';
import { KitClock } from './kit-clock.ts';
import { settingsChecks } from './settings-checks.ts';
import type { Anew } from './trial.ts';

/** What the kit needs of a package whose driver is a format: settings to try it with, exported as `testSettings`. */
export interface QrSubject {
  readonly module: QrDriverModule;
  readonly anew: Anew<QrDriverModule>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly calls: Calls;
}

const KEY = Buffer.from('a key of the conformance kit, 32 b');
const OTHER_KEY = Buffer.from('another switch has another key!!!!');
const CURRENCIES = ['RUB', 'EUR', 'JPY', 'KWD'] as const;
const AMOUNTS = [1, 99, 1_250_00, 999_999_999_999] as const;
const ODD = [
  '',
  ' ',
  '\u0000',
  '{',
  '%',
  'https://',
  '0002',
  '🚕',
  'ſ',
  '\ud800',
  '0'.repeat(2_000),
];
const FOREIGN = [
  'https://elsewhere.example/q/1',
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D',
  'https://qr.nspk.ru/AD10001BJPGUR9P18FHR8H8QLFMLV8SH?type=02&bank=100000000111&sum=3&cur=RUB&crc=1ABE',
];

/** A driver in a life of its own. */
async function opened(
  { anew, settings, calls }: QrSubject,
  key: Uint8Array = KEY,
): Promise<QrDriver> {
  const module = await anew();
  const surroundings = { clock: new KitClock(), tag: makeTagger(key, module.name) };
  return openHeld(module, { settings, surroundings, calls });
}

/** Claims that its capabilities take. */
function claimsFor(capabilities: QrCapabilities): QrClaim[] {
  const all = (['single', 'many'] as const).flatMap((usage) =>
    CURRENCIES.flatMap((currency) =>
      [null, ...AMOUNTS].map((amount) => claimOf({ usage, currency, amount })),
    ),
  );
  const named = NAMES.map((name) => ({ ...claimOf({}), merchant: { name, city: name } }));
  const tipped = [{ ...claimOf({}), takesTip: true }, claimOf({ usage: 'many', currency: 'RUB' })];
  return [...all, ...named, ...tipped].filter(
    (claim) => unfitFor(capabilities, claim) === undefined,
  );
}

async function issued(driver: QrDriver, claim: QrClaim): Promise<string | undefined> {
  const issue: QrIssue = await driver.issue(claim);
  if ('unfit' in issue) {
    demand(issue.unfit !== '', 'it does not say why a claim is unfit');
    return undefined;
  }
  return issue.payload;
}

/** A claim that it carries, and its text. */
async function anyIssued(driver: QrDriver): Promise<{ claim: QrClaim; text: string }> {
  for (const claim of claimsFor(driver.capabilities)) {
    const text = await issued(driver, claim);
    if (text !== undefined) return { claim, text };
  }
  demand(false, 'it carries none of the claims that its capabilities take');
  return { claim: claimOf({}), text: '' };
}

function names(reading: QrReading): string | undefined {
  return typeof reading === 'string' ? undefined : reading.billId;
}

const issuing: readonly Check<QrSubject>[] = [
  {
    name: 'issues what its capabilities take, as they say, and reads it in another of its lives',
    run: async (subject) => {
      const driver = await opened(subject);
      const { begins, lengthMax } = driver.capabilities;
      let count = 0;
      for (const claim of claimsFor(driver.capabilities)) {
        const text = await issued(driver, claim);
        if (text === undefined) continue;
        count += 1;
        const shown = `${claim.currency} ${claim.amount} ${claim.usage}`;
        demand(
          text.length <= Math.min(lengthMax, QR_TEXT_MAX),
          `${shown}: ${text.length} characters`,
        );
        const bytes = Buffer.byteLength(text);
        demand(
          bytes <= QR_BYTES_MAX,
          `${shown}: ${bytes} bytes, and a code has room for ${QR_BYTES_MAX}`,
        );
        demand(
          begins.some((start) => text.startsWith(start)),
          `${shown}: its text begins otherwise than its capabilities say`,
        );
        const reading = await (await opened(subject)).read(text);
        demand(names(reading) === claim.billId, `${shown}: it is not read again`);
      }
      demand(count > 0, 'it carries none of the claims that its capabilities take');
    },
  },
  {
    name: 'gives the same claim the same text, in every one of its lives, and another bill another',
    run: async (subject) => {
      const driver = await opened(subject);
      const { claim, text } = await anyIssued(driver);
      demand(
        (await issued(await opened(subject), claim)) === text,
        'its text is another the second time',
      );
      const other = await issued(driver, { ...claim, billId: OTHER_BILL });
      demand(other !== text, 'two bills have one text');
    },
  },
  {
    name: 'keeps claims apart that are made at once: each text names its own bill',
    run: async (subject) => {
      const driver = await opened(subject);
      const { claim } = await anyIssued(driver);
      const claims = manyBills().map((billId) => ({ ...claim, billId }));
      const texts = await Promise.all(claims.map((one) => issued(driver, one)));
      const readings = await Promise.all(texts.map((text) => driver.read(text ?? '')));
      for (const [no, { billId }] of claims.entries()) {
        demand(texts[no] !== undefined, 'it takes a claim by itself, and not beside others');
        const found = names(readings[no] ?? 'foreign');
        demand(found === billId, `the text for ${billId} names ${found ?? 'none'}`);
      }
    },
  },
  {
    name: 'says no, and why, to what its capabilities leave out',
    run: async (subject) => {
      const driver = await opened(subject);
      const { capabilities } = driver;
      const { claim } = await anyIssued(driver);
      const bare = { ...claim.settings, country: null, category: null, sbpMember: null };
      const others = [
        claimOf({ usage: 'single', amount: null }),
        claimOf({ usage: 'many', amount: null }),
        claimOf({ usage: 'single' }),
        claimOf({ usage: 'many' }),
        claimOf({ currency: 'EUR' }),
        claimOf({ currency: 'KWD' }),
        { ...claim, settings: bare },
      ].filter((other) => unfitFor(capabilities, other) !== undefined);
      for (const other of others) {
        const text = await issued(driver, other);
        const shown = `${other.currency} ${other.amount} ${other.usage}`;
        demand(text === undefined, `it makes a code of ${shown}, against its capabilities`);
      }
    },
  },
];

const reading: readonly Check<QrSubject>[] = [
  {
    name: 'takes no code in which one character has been changed',
    run: async (subject) => {
      const driver = await opened(subject);
      const { text } = await anyIssued(driver);
      for (let at = 0; at < text.length; at += 1) {
        for (const other of ['0', '7', 'K']) {
          if (text.charAt(at).toUpperCase() === other) continue;
          const changed = text.slice(0, at) + other + text.slice(at + 1);
          const found = names(await driver.read(changed));
          demand(found === undefined, `it takes “${changed}”`);
        }
      }
    },
  },
  {
    name: 'takes no code of another switch',
    run: async (subject) => {
      const { text } = await anyIssued(await opened(subject, OTHER_KEY));
      demand(names(await (await opened(subject)).read(text)) === undefined, `it takes “${text}”`);
    },
  },
  {
    name: 'knows for foreign what is no code of its, and throws nothing, whatever was scanned',
    run: async (subject) => {
      const driver = await opened(subject);
      const { text } = await anyIssued(driver);
      const cut = Array.from({ length: text.length }, (_, length) => text.slice(0, length));
      for (const odd of [...ODD, ...FOREIGN, ...cut]) {
        const found = await driver.read(odd);
        const billId = names(found);
        // A shorter text may be one of before; then it names the very bill.
        const isSame =
          billId !== undefined && parseBillId(billId) !== undefined && text.includes(billId);
        demand(typeof found === 'string' || (cut.includes(odd) && isSame), `it takes “${odd}”`);
      }
      for (const odd of ODD) {
        if (driver.capabilities.begins.some((start) => odd.startsWith(start))) continue;
        demand((await driver.read(odd)) === 'foreign', `it says “${odd}” is one of its`);
      }
    },
  },
  {
    name: 'knows other people’s codes for foreign, though they begin as its own do',
    run: async (subject) => {
      const driver = await opened(subject);
      for (const other of FOREIGN) {
        demand((await driver.read(other)) === 'foreign', `it says “${other}” is one of its`);
      }
    },
  },
  {
    name: 'takes no text that has a code of its in it, and more',
    run: async (subject) => {
      const driver = await opened(subject);
      const { text } = await anyIssued(driver);
      for (const more of ['0', 'K', '/', '?a=1', '#', '\n', text]) {
        for (const longer of [text + more, more + text]) {
          demand(names(await driver.read(longer)) === undefined, `it takes “${longer}”`);
        }
      }
    },
  },
];

export const qrChecks: readonly Check<QrSubject>[] = [
  ...settingsChecks((subject: QrSubject, settings) => opened({ ...subject, settings })),
  ...issuing,
  ...reading,
];
