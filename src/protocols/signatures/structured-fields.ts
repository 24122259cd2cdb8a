// The part of HTTP's structured fields (RFC 9651) that signatures and digests are written in: dictionaries of lists of
// names with parameters, and dictionaries of bytes. Whatever else there is, is not read: undefined.

export type Parameter = string | number | boolean;

/** `("@method" "@path");created=1;keyid="a"`. */
export interface NameList {
  readonly names: readonly string[];
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** As it was sent: what a signature is made over. */
  readonly text: string;
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y;
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const BOOLEAN = /\?([01])/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const COMMA = /[ \t]*,[ \t]*/y;
const SPACES = / */y;
const END = /[ \t]*$/y;

/** Where a field is read; each pattern is tried at the place alone. */
interface Place {
  readonly text: string;
  at: number;
}

/** A dictionary whose members are lists of names; null: it cannot be read. */
export function readNameLists(text: string): ReadonlyMap<string, NameList> | null {
  return readDictionary(text, readNameList);
}

/** A dictionary whose members are bytes; null: it cannot be read. */
export function readBytes(text: string): ReadonlyMap<string, Buffer> | null {
  return readDictionary(text, (place) => {
    const base64 = take(place, BYTES)?.[1];
    return base64 === undefined ? null : Buffer.from(base64, 'base64');
  });
}

function readDictionary<T>(
  text: string,
  readMember: (place: Place) => T | null,
): ReadonlyMap<string, T> | null {
  const place = { text, at: 0 };
  const members = new Map<string, T>();
  take(place, SPACES);
  for (;;) {
    const key = take(place, KEY)?.[0];
    if (key === undefined || !takeText(place, '=')) return null;
    const member = readMember(place);
    // The last of two of one name would count; nobody needs two.
    if (member === null || members.has(key)) return null;
    members.set(key, member);
    if (take(place, END) !== null) return members;
    if (take(place, COMMA) === null) return null;
  }
}

function readNameList(place: Place): NameList | null {
  const from = place.at;
  if (!takeText(place, '(')) return null;
  const names: string[] = [];
  take(place, SPACES);
  while (!takeText(place, ')')) {
    const name = take(place, STRING)?.[1];
    if (name === undefined) return null;
    names.push(unescaped(name));
    const { at } = place;
    take(place, SPACES);
    // A name with parameters of its own ends here too: none of them is taken.
    if (place.at === at && place.text[at] !== ')') return null;
  }
  const parameters = readParameters(place);
  return parameters && { names, parameters, text: place.text.slice(from, place.at) };
}

function readParameters(place: Place): ReadonlyMap<string, Parameter> | null {
  const parameters = new Map<string, Parameter>();
  while (takeText(place, ';')) {
    take(place, SPACES);
    const key = take(place, KEY)?.[0];
    if (key === undefined || parameters.has(key)) return null;
    const value = takeText(place, '=') ? readBare(place) : true;
    if (value === null) return null;
    parameters.set(key, value);
  }
  return parameters;
}

function readBare(place: Place): Parameter | null {
  const text = take(place, STRING)?.[1];
  if (text !== undefined) return unescaped(text);
  const integer = take(place, INTEGER)?.[0];
  if (integer !== undefined) return Number(integer);
  const boolean = take(place, BOOLEAN)?.[1];
  return boolean === undefined ? null : boolean === '1';
}

function take(place: Place, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = place.at;
  const match = pattern.exec(place.text);
  if (match !== null) place.at += match[0].length;
  return match;
}

function takeText(place: Place, text: string): boolean {
  if (!place.text.startsWith(text, place.at)) return false;
  place.at += text.length;
  return true;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}
