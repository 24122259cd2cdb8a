// A checker of JSON Schema 2020-12 for the keywords that our OpenAPI document uses. It shares no code with the one that
// validates requests, and an unknown keyword is an error, so that nothing is taken for checked that is not.

type Schema = Readonly<Record<string, unknown>>;

interface Place {
  readonly path: string;
  readonly root: Schema;
  readonly found: string[];
}

/** Says nothing about a value. */
const ANNOTATIONS = new Set(['description', 'default', 'examples', 'title']);
const RFC3339 = /^(?:19[7-9]\d|2\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

type Rule = (value: unknown, rule: unknown, place: Place, schema: Schema) => void;

/** What is wrong with a value, in words; empty where nothing is. `$ref` is resolved in `root`. */
export function faultsOf(value: unknown, schema: unknown, root: unknown): string[] {
  const found: string[] = [];
  check(value, schema as Schema, { path: '', root: root as Schema, found });
  return found;
}

/** The schema of a JSON pointer such as `#/components/schemas/Bill`. */
export function resolvePointer(root: unknown, pointer: string): unknown {
  if (!pointer.startsWith('#/')) throw new Error(`not a local reference: ${pointer}`);
  let at: unknown = root;
  for (const raw of pointer.slice(2).split('/')) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) {
      throw new Error(`there is no ${pointer}`);
    }
    at = (at as Schema)[part];
  }
  return at;
}

function check(value: unknown, schema: Schema, place: Place): void {
  for (const [keyword, rule] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    const apply = rules[keyword];
    if (apply === undefined) throw new Error(`a keyword that the tests do not know: ${keyword}`);
    apply(value, rule, place, schema);
  }
}

function fails(place: Place, what: string): void {
  place.found.push(`${place.path === '' ? 'the value' : place.path} ${what}`);
}

const rules: Readonly<Record<string, Rule>> = {
  $ref: (value, rule, place) =>
    check(value, resolvePointer(place.root, rule as string) as Schema, place),
  type: (value, rule, place) => {
    if (!isOfType(value, rule as string)) fails(place, `is not of type ${String(rule)}`);
  },
  const: (value, rule, place) => {
    if (value !== rule) fails(place, `is not ${JSON.stringify(rule)}`);
  },
  enum: (value, rule, place) => {
    if (!(rule as unknown[]).includes(value)) fails(place, `is none of ${JSON.stringify(rule)}`);
  },
  anyOf: (value, rule, place) => {
    const tries = (rule as Schema[]).map((schema) => inside(value, schema, place));
    if (tries.every((faults) => faults.length > 0)) {
      fails(
        place,
        `fits none of anyOf:\n    ${tries.map((faults) => faults.join('; ')).join('\n    ')}`,
      );
    }
  },
  properties: (value, rule, place) => {
    if (!isObject(value)) return;
    for (const [name, schema] of Object.entries(rule as Record<string, Schema>)) {
      if (Object.hasOwn(value, name)) check(value[name], schema, at(place, name));
    }
  },
  patternProperties: (value, rule, place) => {
    if (!isObject(value)) return;
    for (const [pattern, schema] of Object.entries(rule as Record<string, Schema>)) {
      for (const name of Object.keys(value)) {
        if (new RegExp(pattern, 'u').test(name)) check(value[name], schema, at(place, name));
      }
    }
  },
  additionalProperties: (value, rule, place, schema) => {
    if (!isObject(value) || rule === true) return;
    if (rule !== false)
      throw new Error('the tests know additionalProperties as true and false only');
    const names = Object.keys((schema.properties as object | undefined) ?? {});
    const patterns = Object.keys((schema.patternProperties as object | undefined) ?? {});
    for (const name of Object.keys(value)) {
      if (names.includes(name) || patterns.some((each) => new RegExp(each, 'u').test(name)))
        continue;
      fails(at(place, name), 'is not expected');
    }
  },
  required: (value, rule, place) => {
    if (!isObject(value)) return;
    for (const name of rule as string[]) {
      if (!Object.hasOwn(value, name)) fails(at(place, name), 'is missing');
    }
  },
  items: (value, rule, place) => {
    if (!Array.isArray(value)) return;
    value.forEach((item, index) => {
      check(item, rule as Schema, at(place, String(index)));
    });
  },
  minItems: (value, rule, place) => {
    if (Array.isArray(value) && value.length < (rule as number)) fails(place, 'has too few items');
  },
  uniqueItems: (value, _rule, place) => {
    if (!Array.isArray(value)) return;
    const texts = value.map((item) => JSON.stringify(item));
    if (new Set(texts).size < texts.length) fails(place, 'has the same item twice');
  },
  maxItems: (value, rule, place) => {
    if (Array.isArray(value) && value.length > (rule as number)) fails(place, 'has too many items');
  },
  maxProperties: (value, rule, place) => {
    if (isObject(value) && Object.keys(value).length > (rule as number))
      fails(place, 'has too many members');
  },
  minimum: (value, rule, place) => {
    if (typeof value === 'number' && value < (rule as number))
      fails(place, `is below ${String(rule)}`);
  },
  exclusiveMinimum: (value, rule, place) => {
    if (typeof value === 'number' && value <= (rule as number))
      fails(place, `is not above ${String(rule)}`);
  },
  maximum: (value, rule, place) => {
    if (typeof value === 'number' && value > (rule as number))
      fails(place, `is above ${String(rule)}`);
  },
  minLength: (value, rule, place) => {
    if (typeof value === 'string' && [...value].length < (rule as number))
      fails(place, 'is too short');
  },
  maxLength: (value, rule, place) => {
    if (typeof value === 'string' && [...value].length > (rule as number))
      fails(place, 'is too long');
  },
  pattern: (value, rule, place) => {
    if (typeof value === 'string' && !new RegExp(rule as string, 'u').test(value)) {
      fails(place, `does not match ${String(rule)}`);
    }
  },
  format: (value, rule, place) => {
    if (typeof value !== 'string') return;
    if (rule === 'date-time') {
      if (!RFC3339.test(value) || Number.isNaN(Date.parse(value)))
        fails(place, `is no UTC time: ${value}`);
    } else if (rule === 'currency') {
      if (!/^[A-Z]{3}$/.test(value)) fails(place, 'is no currency');
    } else if (rule === 'country') {
      if (!/^[A-Z]{2}$/.test(value)) fails(place, 'is no country');
    } else if (rule === 'http-url') {
      if (!URL.canParse(value)) fails(place, 'is no address');
    } else throw new Error(`a format that the tests do not know: ${String(rule)}`);
  },
};

function inside(value: unknown, schema: Schema, place: Place): string[] {
  const found: string[] = [];
  check(value, schema, { ...place, found });
  return found;
}

function at(place: Place, name: string): Place {
  return { ...place, path: place.path === '' ? name : `${place.path}.${name}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      throw new Error(`no type of JSON Schema: ${type}`);
  }
}
