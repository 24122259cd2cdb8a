// Scanned texts: codes of ours and of others with a change or two. What is taken is what was issued; what is parsed is
// written back as it came.

import type { QrFormat, Terms } from '../../src/domain/bill/vocabulary.ts';
import { crc16 } from '../../src/drivers/qr/crc16.ts';
import { formatEmvco, parseEmvco } from '../../src/drivers/qr/emvco-tlv.ts';
import { toLatin } from '../../src/drivers/qr/latin.ts';
import { formatSbpLink, parseSbpLink } from '../../src/drivers/qr/sbp.ts';
import { claimOf, codesAt } from '../support/qr-claims.ts';
import type { Choices } from './choices.ts';
import { oddText } from './odd-values.ts';
import { promise, type Target } from './target.ts';
import { nearly } from './texts.ts';

const BASE = 'https://pay.example';
const codes = codesAt(BASE);
const { billId } = claimOf();

const OURS = (['url', 'emvco', 'sbp'] as const).map((format: QrFormat) => {
  const issued = codes.issue(
    format,
    claimOf({ currency: 'RUB', merchant: { name: 'Кафе', city: 'Rīga' } }),
  );
  return 'unfit' in issued ? '' : codes.payloadOf({ ...issued, id: billId } as Terms);
});
const OTHERS = [
  '00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D',
  'https://qr.nspk.ru/AD10001BJPGUR9P18FHR8H8QLFMLV8SH?type=02&bank=100000000111&sum=3&cur=RUB&crc=1ABE',
];

/** With a checksum that agrees with the change, so that more than the checksum is tried. */
function withSum(text: string): string {
  const body = text.slice(0, -4);
  return body + crc16(text.startsWith('https') ? body.replace(/&crc=$/, '') : body);
}

function scannedText(choices: Choices): string {
  const text = choices.pick([...OURS, ...OTHERS]);
  const changed = nearly(choices, text);
  return choices.chance(0.5) ? withSum(changed) : changed;
}

function checkReading(choices: Choices): void {
  const text = scannedText(choices);
  const reading = codes.read(text);
  if (typeof reading === 'string') return;
  const scanned = text.trim();
  const isOurs = OURS.includes(scanned) || isAddress(scanned);
  promise(isOurs && reading.billId === billId, 'a code that was not issued was taken', text);
}

/** An address is read without case, and as it was printed before there were tags. */
function isAddress(text: string): boolean {
  const address = OURS[0]?.toLowerCase() ?? '';
  return text.toLowerCase() === address || text.toLowerCase() === address.slice(0, -9);
}

function checkParsers(choices: Choices): void {
  const text = scannedText(choices);
  const emvco = parseEmvco(text);
  if ('objects' in emvco) {
    promise(formatEmvco(emvco.objects) === text, 'an EMVCo code is not its text', text);
  }
  const link = parseSbpLink(text);
  if (!('fault' in link)) promise(formatSbpLink(link) === text, 'a link is not its text', text);
}

function checkIssue(choices: Choices): void {
  const name = oddText(choices);
  const claim = claimOf({ merchant: { name, city: oddText(choices) }, currency: 'RUB' });
  promise(/^[ -~]*$/.test(toLatin(name)), 'a name in Latin letters is not', name);
  const issued = codes.issue('emvco', claim);
  if ('unfit' in issued) return;
  const parsed = parseEmvco(issued.qrPayload ?? '');
  promise('objects' in parsed, 'an issued code breaks the rules of its format', claim.merchant);
}

const target = (name: string, run: (choices: Choices) => void): Target => ({
  name,
  group: 'texts',
  run,
});

export const scannedTargets: readonly Target[] = [
  target('scanned codes', checkReading),
  target('EMVCo codes and SBP links of anybody', checkParsers),
  target('names in codes', checkIssue),
];
