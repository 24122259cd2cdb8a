import { describe, expect, test } from 'vitest';
import { DocumentSchemas, faultsOf } from './json-schema.ts';

const person = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
const document = {
  components: {
    schemas: {
      Person: person,
      Pair: { anyOf: [{ $ref: '#/components/schemas/Person' }, { type: 'null' }] },
      Problem: { type: 'object', properties: { code: { type: 'string' } } },
    },
  },
};

describe('the schemas of a document', () => {
  test.each([
    [{ $ref: '#/components/schemas/Person' }, { name: 'Ada' }, 0],
    [{ $ref: '#/components/schemas/Person' }, {}, 1],
    [{ $ref: '#/components/schemas/Person' }, { name: 'Ada', age: 36 }, 1],
    [{ $ref: '#/components/schemas/Pair' }, null, 0],
    [{ type: 'array', items: { $ref: '#/components/schemas/Person' } }, [{ name: 1 }], 1],
    [{ type: 'object', properties: { of: person } }, { of: { name: 'Ada', age: 36 } }, 1],
    [{ type: 'object', properties: {} }, { any: 1 }, 0],
    [{ $ref: '#/components/schemas/Problem' }, { code: 'a', more: 1 }, 0],
  ])('%j finds in %j as many faults as there are', (schema, value, faults) => {
    expect(DocumentSchemas.of(document).faultsOf(value, schema)).toHaveLength(faults);
  });

  test('say what is wrong and where', () => {
    const schema = { $ref: '#/components/schemas/Person' };

    expect(DocumentSchemas.of(document).faultsOf({ name: 1 }, schema)).toEqual([
      'name must be string {"type":"string"}',
    ]);
  });
});

describe('a schema', () => {
  test.each([
    ['currency', 'EUR', 'eur'],
    ['country', 'DE', 'Germany'],
    ['http-url', 'https://pay.example', 'pay'],
    ['date-time', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00+01:00'],
    ['date-time', '2026-01-01T00:00:00.5Z', '2026-13-01T00:00:00Z'],
  ])('of format %s takes %s and not %s', (format, good, bad) => {
    expect(faultsOf(good, { type: 'string', format })).toEqual([]);
    expect(faultsOf(bad, { type: 'string', format })).toHaveLength(1);
  });

  test('with a word that nobody knows is an error', () => {
    expect(() => faultsOf(1, { minimun: 1 })).toThrow(/minimun/);
    expect(() => faultsOf('', { type: 'string', format: 'colour' })).toThrow(/colour/);
  });
});
