// Bodies that fit an operation's schema, made from the schema itself, and bodies that nearly do.

import { type RequestName, requests } from '../../src/protocols/schemas/requests.ts';
import type { Choices } from './choices.ts';
import { type Odd, type OddMap, oddKey, oddNumber, oddText, oddValue, put } from './odd-values.ts';

interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly maxProperties?: number;
}

const REFERENCE = 'ABCabc019._:-';
const BILL_ID = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LETTERS = 'abc Ünïcode ☕ 日本 \u{1f600} "\\/';

const BILL = '01JB3M0Q2V00AZ4R8XN5T6K9WC';
/** Ids that could be of something, since those that cannot are looked at no further. */
const ids: Readonly<Record<string, string>> = {
  billId: BILL,
  paymentId: `${BILL}-p1`,
  reservationId: `${BILL}-r1`,
  creditId: `${BILL}-c1`,
};

/** A body that the schema admits. */
function fittingBody(choices: Choices, name: RequestName): OddMap {
  return fitting(choices, requests[name] as unknown as Schema) as OddMap;
}

/** The same with something wrong somewhere, often. */
export function nearlyFittingBody(choices: Choices, name: RequestName): Odd {
  let body: Odd = fittingBody(choices, name);
  for (let left = choices.below(4); left > 0; left--) body = spoilt(choices, body);
  return body;
}

function fitting(choices: Choices, schema: Schema): Odd {
  if (schema.enum !== undefined) return choices.pick(schema.enum);
  if (schema.anyOf !== undefined) return fitting(choices, choices.pick(schema.anyOf));
  switch (schema.type) {
    case 'object':
      return fittingObject(choices, schema);
    case 'array':
      return choices.several(Math.min(schema.maxItems ?? 3, 3), () =>
        fitting(choices, schema.items ?? {}),
      );
    case 'string':
      return fittingText(choices, schema);
    case 'integer':
    case 'number':
      return fittingNumber(choices, schema);
    case 'boolean':
      return choices.chance(0.5);
    default:
      throw new Error(`no values for a schema of type ${schema.type}`);
  }
}

function fittingObject(choices: Choices, schema: Schema): OddMap {
  const map: Record<string, Odd> = {};
  for (const [key, of] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(key) !== true && !choices.chance(0.4)) continue;
    map[key] = ids[key] === undefined || choices.chance(0.1) ? fitting(choices, of) : ids[key];
  }
  for (const of of Object.values(schema.patternProperties ?? {})) {
    for (let left = choices.below(4); left > 0; left--) {
      map[shortText(choices, REFERENCE, 1, 12)] = fitting(choices, of);
    }
  }
  if (isReceipt(schema) && choices.chance(0.6)) {
    map.text = shortText(choices, LETTERS, 0, 20);
    map.list = [choices.below(1_000), choices.below(1_000) / 100, null, { deep: [true] }];
  }
  return map;
}

/** Any object: a schema that names no member. */
function isReceipt({ properties = {}, patternProperties }: Schema): boolean {
  return Object.keys(properties).length === 0 && patternProperties === undefined;
}

function fittingText(
  choices: Choices,
  { pattern, format, minLength = 0, maxLength = 40 }: Schema,
): string {
  if (pattern?.includes('{26}') === true) return shortText(choices, BILL_ID, 26, 26);
  if (pattern?.includes('{1,64}') === true) return shortText(choices, REFERENCE, 1, 64);
  switch (format) {
    case 'currency':
      return choices.pick(['EUR', 'USD', 'JPY', 'KWD']);
    case 'date-time':
      return choices.pick([
        '2026-01-31T09:30:00.000Z',
        '1970-01-01T00:00:00Z',
        '2999-12-31T23:59:59Z',
      ]);
    case 'http-url':
      return `https://shop.example/${shortText(choices, 'abc', 0, 10)}`;
    default:
      return shortText(
        choices,
        LETTERS,
        minLength,
        Math.min(maxLength, choices.chance(0.1) ? maxLength : 20),
      );
  }
}

function fittingNumber(choices: Choices, schema: Schema): number {
  const low = schema.minimum ?? (schema.exclusiveMinimum ?? -1) + 1;
  const high = Math.min(schema.maximum ?? Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (choices.chance(0.2)) return high;
  if (choices.chance(0.1)) return low;
  const value = low + choices.below(Math.min(high - low, 10_000) + 1);
  return schema.type === 'number' && choices.chance(0.3) ? Math.min(high, value + 0.25) : value;
}

function shortText(choices: Choices, alphabet: string, least: number, most: number): string {
  const letters = [...alphabet];
  let text = '';
  const length = choices.between(least, most);
  // Counted as the schemas count: in UTF-16 units.
  while (text.length < length) {
    const letter = choices.pick(letters);
    text += text.length + letter.length > most ? 'a' : letter;
  }
  return text;
}

function spoilt(choices: Choices, value: Odd): Odd {
  if (value === null || typeof value !== 'object' || choices.chance(0.1))
    return another(choices, value);
  if (Array.isArray(value)) {
    const items = [...(value as readonly Odd[])];
    const at = choices.below(items.length + 1);
    if (at < items.length) items[at] = spoilt(choices, items[at]);
    else items.push(oddValue(choices));
    return items;
  }
  const keys = Object.keys(value);
  const map: Record<string, Odd> = {};
  for (const key of keys) put(map, key, (value as OddMap)[key]);
  const key = keys.length === 0 || choices.chance(0.25) ? oddKey(choices) : choices.pick(keys);
  if (!Object.hasOwn(map, key)) put(map, key, oddValue(choices));
  else if (choices.chance(0.2)) delete map[key];
  else put(map, key, spoilt(choices, map[key]));
  return map;
}

/** Something else in its place: of its own kind, or of any. */
function another(choices: Choices, value: Odd): Odd {
  if (choices.chance(0.4)) {
    if (typeof value === 'number') return choices.chance(0.5) ? value + 0.5 : oddNumber(choices);
    if (typeof value === 'string') {
      const at = choices.below(value.length + 1);
      return value.slice(0, at) + oddText(choices) + value.slice(at);
    }
  }
  return oddValue(choices);
}
