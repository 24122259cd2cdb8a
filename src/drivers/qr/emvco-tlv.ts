// The grammar of EMVCo merchant-presented codes: objects of a two-digit id, a two-digit length and a value, the first the
// format indicator, the last a checksum. Lengths count characters (code points), the checksum counts bytes of UTF-8.
//
//   000201 010212 2650… 52045411 5303978 540512.34 5802DE 5913Corner Coffee 6011Springfield 62… 6304A13A

import { crc16 } from './crc16.ts';

/** An object: its id and its value. The value of a template is objects again, as text. */
export type EmvcoObject = readonly [id: string, value: string];

export interface EmvcoFault {
  readonly fault: string;
}

const CRC_ID = '63';

/** Objects as text, without a checksum. The caller vouches for values of 1 to 99 characters. */
export function encodeObjects(objects: readonly EmvcoObject[]): string {
  let text = '';
  for (const [id, value] of objects) {
    text += id + String(lengthOf(value)).padStart(2, '0') + value;
  }
  return text;
}

/** A whole code: the objects, then the checksum over them. */
export function formatEmvco(objects: readonly EmvcoObject[]): string {
  const text = `${encodeObjects(objects)}${CRC_ID}04`;
  return text + crc16(text);
}

/** The objects of a template or a code, in their order; a fault where the text is not exactly that. */
export function parseObjects(text: string): readonly EmvcoObject[] | EmvcoFault {
  const characters = Array.from(text);
  const objects: EmvcoObject[] = [];
  const seen = new Set<string>();
  for (let at = 0; at < characters.length; ) {
    const head = characters.slice(at, at + 4).join('');
    if (!/^\d{4}$/.test(head)) return { fault: `no id and length at character ${at}` };
    const id = head.slice(0, 2);
    const length = Number(head.slice(2));
    const value = characters.slice(at + 4, at + 4 + length);
    if (length === 0) return { fault: `object ${id} is empty` };
    if (value.length < length) return { fault: `object ${id} is cut off` };
    if (seen.has(id)) return { fault: `object ${id} is there twice` };
    seen.add(id);
    objects.push([id, value.join('')]);
    at += 4 + length;
  }
  return objects;
}

/** Reads a whole code strictly; what comes out is the objects without the checksum. */
export function parseEmvco(
  text: string,
): { readonly objects: readonly EmvcoObject[] } | EmvcoFault {
  const parsed = parseObjects(text);
  if ('fault' in parsed) return parsed;
  const last = parsed.at(-1);
  if (parsed[0]?.[0] !== '00') return { fault: 'object 00 is not the first' };
  if (last?.[0] !== CRC_ID) return { fault: `object ${CRC_ID} is not the last` };
  if (last[1] !== crc16(text.slice(0, -last[1].length))) return { fault: 'the crc is wrong' };
  const objects = parsed.slice(0, -1);
  const fault = missingIn(objects) ?? firstFault(objects, rootFault) ?? tipFault(objects);
  return fault === undefined ? { objects } : { fault };
}

/** The value of an object; undefined where there is none of that id. */
export function contentOf(objects: readonly EmvcoObject[], id: string): string | undefined {
  return objects.find(([known]) => known === id)?.[1];
}

export function isAccountTemplate(id: string): boolean {
  return id >= '26' && id <= '51';
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

// --------------------------------------------------------------------------------------------------------- values --

const MANDATORY = ['00', '52', '53', '58', '59', '60'] as const;

/** What the value of a root object looks like. Any character may stand in a name. */
const ROOT_VALUES: Readonly<Record<string, RegExp>> = {
  '00': /^01$/,
  '01': /^1[12]$/,
  '52': /^\d{4}$/,
  '53': /^\d{3}$/,
  '54': /^(?=.{1,13}$)\d+(\.\d*)?$/,
  '55': /^0[123]$/,
  '56': /^(?=.{1,13}$)\d+(\.\d*)?$/,
  '57': /^(?=.{1,5}$)\d+(\.\d*)?$/,
  '58': /^[A-Z]{2}$/,
  '59': upTo(25),
  '60': upTo(15),
  '61': upTo(10),
};

const ADDITIONAL_VALUES: Readonly<Record<string, RegExp>> = {
  ...Object.fromEntries(
    ['01', '02', '03', '04', '05', '06', '07', '08'].map((id) => [id, upTo(25)]),
  ),
  '09': /^[AME]{1,3}$/,
  '10': upTo(20),
  '11': /^.{3}$/su,
};

const LANGUAGE_VALUES: Readonly<Record<string, RegExp>> = {
  '00': /^[A-Za-z]{2}$/,
  '01': upTo(25),
  '02': upTo(15),
};

const UNIQUE_ID = upTo(32);

function upTo(length: number): RegExp {
  return new RegExp(`^.{1,${length}}$`, 'su');
}

function missingIn(objects: readonly EmvcoObject[]): string | undefined {
  for (const id of MANDATORY) {
    if (contentOf(objects, id) === undefined) return `object ${id} is missing`;
  }
  const hasAccount = objects.some(([id]) => id >= '02' && id <= '51');
  return hasAccount ? undefined : 'no merchant account is named';
}

function firstFault(
  objects: readonly EmvcoObject[],
  faultOf: (object: EmvcoObject) => string | undefined,
): string | undefined {
  for (const object of objects) {
    const fault = faultOf(object);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function rootFault([id, value]: EmvcoObject): string | undefined {
  if (isAccountTemplate(id) || id >= '80')
    return templateFault(id, value, { '00': UNIQUE_ID }, ['00']);
  if (id === '62') return templateFault(id, value, ADDITIONAL_VALUES, []);
  if (id === '64') return templateFault(id, value, LANGUAGE_VALUES, ['00', '01']);
  return valueFault(id, value, ROOT_VALUES);
}

function templateFault(
  id: string,
  value: string,
  values: Readonly<Record<string, RegExp>>,
  mandatory: readonly string[],
): string | undefined {
  const fields = parseObjects(value);
  if ('fault' in fields) return `in object ${id}: ${fields.fault}`;
  const missing = mandatory.find((field) => contentOf(fields, field) === undefined);
  if (missing !== undefined) return `in object ${id}: object ${missing} is missing`;
  const fault = firstFault(fields, ([field, content]) => valueFault(field, content, values));
  return fault === undefined ? undefined : `in object ${id}: ${fault}`;
}

function valueFault(
  id: string,
  value: string,
  values: Readonly<Record<string, RegExp>>,
): string | undefined {
  const fits = values[id]?.test(value) ?? true;
  return fits ? undefined : `object ${id} has not the form that it must have`;
}

/** A fixed fee stands exactly where one is announced, and so does a percentage. */
function tipFault(objects: readonly EmvcoObject[]): string | undefined {
  const tip = contentOf(objects, '55');
  for (const [id, announced] of [
    ['56', '02'],
    ['57', '03'],
  ] as const) {
    if ((contentOf(objects, id) !== undefined) !== (tip === announced)) {
      return `object ${id} and object 55 do not agree`;
    }
  }
  return undefined;
}
