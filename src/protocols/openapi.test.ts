import { describe, expect, test } from 'vitest';
import { calls } from './calls.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';
import { PROBLEM_CODES, problems } from './problems.ts';

type Node = Record<string, unknown>;

const document = JSON.parse(JSON.stringify(openApiDocument('https://pay.example'))) as Node;

function at(path: string): unknown {
  return path
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Node)[part.replaceAll('~1', '/')], document);
}

function* nodes(node: unknown, path = '#'): Generator<[string, Node]> {
  if (node === null || typeof node !== 'object') return;
  yield [path, node as Node];
  for (const [key, item] of Object.entries(node))
    yield* nodes(item, `${path}/${key.replaceAll('/', '~1')}`);
}

const TYPES = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean', 'null']);
const SCHEMA_WORDS = new Set(
  `$ref type properties required additionalProperties patternProperties items anyOf enum const minimum maximum
   exclusiveMinimum minLength maxLength minItems maxItems uniqueItems maxProperties pattern format description default examples
   title`.split(/\s+/),
);

function checkSchema(schema: unknown, path: string): void {
  expect(schema, path).toBeTypeOf('object');
  const node = schema as Node;
  for (const word of Object.keys(node)) expect(SCHEMA_WORDS, `${path}: ${word}`).toContain(word);
  if (node.type !== undefined) expect(TYPES, path).toContain(node.type);
  if (node.required !== undefined) {
    expect(Object.keys(node.properties as Node), path).toEqual(
      expect.arrayContaining(node.required as string[]),
    );
  }
  for (const [name, item] of Object.entries((node.properties ?? {}) as Node))
    checkSchema(item, `${path}.${name}`);
  for (const item of (node.anyOf ?? []) as unknown[]) checkSchema(item, `${path}|`);
  if (node.items !== undefined) checkSchema(node.items, `${path}[]`);
  if (node.pattern !== undefined) expect(() => new RegExp(String(node.pattern), 'u')).not.toThrow();
}

interface Operation extends Node {
  operationId: string;
  parameters: Node[];
  responses: Record<string, Node>;
  requestBody?: { content: Record<string, { schema: unknown }> };
}

const operations = Object.entries(document.paths as Node).flatMap(([path, item]) =>
  Object.entries(item as Node).map(([method, operation]) => ({
    path,
    method,
    operation: operation as Operation,
  })),
);

describe('the OpenAPI document', () => {
  test('is 3.1 with all that it must have', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
    expect(document.info).toMatchObject({
      title: expect.any(String),
      version: expect.any(String),
    });
    const known = new Set([
      'openapi',
      'info',
      'servers',
      'tags',
      'security',
      'paths',
      'components',
      'x-websocket',
    ]);
    for (const field of Object.keys(document)) expect(known).toContain(field);
  });

  test('has every call, once', () => {
    expect(operations.map(({ operation }) => operation.operationId).sort()).toEqual(
      calls.map(({ id }) => id).sort(),
    );
  });

  test('leads every reference somewhere', () => {
    const references = [...nodes(document)].filter(([, node]) => typeof node.$ref === 'string');
    expect(references.length).toBeGreaterThan(50);
    for (const [path, node] of references) expect(at(String(node.$ref)), path).toBeTypeOf('object');
  });

  test('declares exactly the parameters of each path', () => {
    for (const { path, operation } of operations) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(
        declared.map((parameter) => parameter.name),
        path,
      ).toEqual(names);
      for (const parameter of declared) expect(parameter.required).toBe(true);
    }
  });

  test('has well-formed schemas everywhere', () => {
    const { schemas } = document.components as { schemas: Node };
    for (const [name, schema] of Object.entries(schemas)) checkSchema(schema, name);
    const shown = [...nodes(document.paths)].filter(([, node]) => 'schema' in node);
    expect(shown.length).toBeGreaterThan(100);
    for (const [path, node] of shown) checkSchema(node.schema, path);
  });

  test('describes every answer, and with a 429 or 503 when to come again', () => {
    for (const { operation } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description).toBeTypeOf('string');
        expect(status).toMatch(/^[1-5]\d\d$/);
        if (status === '429' || (status === '503' && operation.operationId !== 'ready')) {
          expect(response.headers).toHaveProperty('Retry-After');
        }
      }
    }
  });

  test('names each problem that a call’s table gives it', () => {
    for (const call of calls) {
      const { operation } = operations.find((each) => each.operation.operationId === call.id) ?? {};
      for (const code of call.problems ?? []) {
        expect(operation?.responses[problems[code].status]?.description).toContain(`\`${code}\``);
      }
    }
  });
});

test('a cancel in part names all that a refund is refused with, but for what is said of a named payment', () => {
  const problemsOf = (id: string) => calls.find((call) => call.id === id)?.problems ?? [];
  const ofRefund = problemsOf('bill.refund').filter(
    (code) => !code.startsWith('payment.') && code !== 'bill.notRefundable',
  );
  expect(ofRefund).toContain('bill.limitReached');
  expect(problemsOf('bill.cancel')).toEqual(expect.arrayContaining(ofRefund));
});

describe('the page of calls', () => {
  const page = docsPage();

  test('shows every call and schema, and takes nothing from outside', () => {
    for (const call of calls) expect(page).toContain(call.path);
    for (const name of Object.keys((document.components as { schemas: Node }).schemas)) {
      expect(page).toContain(`id="schema-${name}"`);
    }
    expect(page).not.toMatch(/<script|<link|<img|@import|src=/);
  });

  test('has no link to a schema that it does not show', () => {
    for (const [, name] of page.matchAll(/href="#([\w-]+)"/g))
      expect(page).toContain(`id="${name}"`);
  });
});

test('every problem has a status, a title that is a sentence’s begin, and advice', () => {
  for (const code of PROBLEM_CODES) {
    const { status, title, meaning } = problems[code];
    expect(status).toBeGreaterThanOrEqual(400);
    expect(title).not.toMatch(/\.$/);
    expect(meaning).toMatch(/\.$/);
  }
});
