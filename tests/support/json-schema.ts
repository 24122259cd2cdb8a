// JSON Schema 2020-12, read by others: nothing of it validates our requests. An unknown keyword or format is an error, so
// that nothing is taken for checked that is not.

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

type Schema = Readonly<Record<string, unknown>>;

const RFC3339 = /^(?:19[7-9]\d|2\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': (value) => RFC3339.test(value) && !Number.isNaN(Date.parse(value)),
  currency: (value) => /^[A-Z]{3}$/.test(value),
  country: (value) => /^[A-Z]{2}$/.test(value),
  'http-url': (value) => URL.canParse(value),
};

function reader(): Ajv2020 {
  // `strictTypes` and `strictRequired` are about how a schema is best written, and ours is written by a library.
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictRequired: false,
  });
  for (const [name, validate] of Object.entries(FORMATS)) ajv.addFormat(name, validate);
  return ajv;
}

const plain = reader();

/** What is wrong with a value, in words; empty where nothing is. */
export function faultsOf(value: unknown, schema: unknown): string[] {
  return faultsBy(plain.compile(schema as Schema), value);
}

function faultsBy(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    const at = instancePath === '' ? 'the value' : instancePath.slice(1).replaceAll('/', '.');
    return `${at} ${message} ${JSON.stringify(params)}`;
  });
}

/** The schemas of a document with `components`, in which each member must be declared. */
export class DocumentSchemas {
  /** By their text: what the switches of a run serve is mostly the same, and compiling it takes a second. */
  static readonly #known = new Map<string, DocumentSchemas>();
  readonly #ajv = reader();
  readonly #byText = new Map<string, ValidateFunction>();
  readonly #bySchema = new WeakMap<object, ValidateFunction>();

  private constructor(schemas: Readonly<Record<string, Schema>>) {
    for (const [name, schema] of Object.entries(schemas)) {
      // Problems carry members of their own.
      this.#ajv.addSchema(named(name === 'Problem' ? schema : closed(schema)), nameOf(name));
    }
  }

  static of(document: Schema): DocumentSchemas {
    const { schemas = {} } = (document.components ?? {}) as { schemas?: Record<string, Schema> };
    const text = JSON.stringify(schemas);
    const known = DocumentSchemas.#known.get(text) ?? new DocumentSchemas(schemas);
    DocumentSchemas.#known.set(text, known);
    return known;
  }

  /** As `faultsOf`; a member that is not declared is a fault, too: clients ignore it, but ours must be documented. */
  faultsOf(value: unknown, schema: Schema): string[] {
    let validate = this.#bySchema.get(schema);
    if (validate === undefined) {
      const text = JSON.stringify(schema);
      validate = this.#byText.get(text) ?? this.#ajv.compile(named(closed(schema)));
      this.#byText.set(text, validate);
      this.#bySchema.set(schema, validate);
    }
    return faultsBy(validate, value);
  }
}

function nameOf(schema: string): string {
  return `component:${schema}`;
}

/** With references to components by their names. */
function named(schema: Schema): Schema {
  const text = JSON.stringify(schema);
  return JSON.parse(
    text.replaceAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g, (_ref, name: string) => {
      return `"$ref":"${nameOf(name)}"`;
    }),
  ) as Schema;
}

/** With no member but those declared. An object that says nothing of its members takes any, such as a receipt. */
function closed(schema: Schema): Schema {
  const { properties, items, anyOf } = schema as {
    properties?: Record<string, Schema>;
    items?: Schema;
    anyOf?: readonly Schema[];
  };
  const isOpen = properties === undefined || Object.keys(properties).length === 0;
  return {
    ...(isOpen ? {} : { additionalProperties: false }),
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [name, closed(member)]),
      ),
    }),
    ...(items && { items: closed(items) }),
    ...(anyOf && { anyOf: anyOf.map(closed) }),
  };
}
