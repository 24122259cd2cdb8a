// The OpenAPI 3.1 document, made of the schemas that validate and of the table of calls.

import { type TObject, type TSchema, Type } from '@sinclair/typebox';
import type { Call } from './call.ts';
import { calls } from './calls.ts';
import { type ProblemCode, problems } from './problems.ts';
import { deskRequests } from './schemas/desk-requests.ts';
import { EVENT_TYPES, event } from './schemas/event-responses.ts';
import { type RequestName, requests } from './schemas/requests.ts';
import { problem } from './schemas/responses.ts';
import { NAME } from './schemas/scalars.ts';
import { allRequests } from './schemas/validation.ts';

type Node = Record<string, unknown>;

const EDGE_PROBLEMS: readonly ProblemCode[] = ['request.invalid'];
const PRINCIPAL_PROBLEMS: readonly ProblemCode[] = [
  'request.unauthenticated',
  'request.forbidden',
  'request.suspended',
  'rate.limited',
  'overloaded',
  'shard.unavailable',
  'shard.stopped',
  'log.refused',
  'history.unavailable',
  'shuttingDown',
  'outcome.unknown',
  'internal',
];

/** What a paychannel is told that shows less than its operator demands. */
const EVIDENCE_PROBLEMS: readonly ProblemCode[] = [
  'request.certificateInvalid',
  'request.signatureMissing',
  'request.signatureInvalid',
  'request.signatureExpired',
  'request.signatureReplayed',
];

/** The document, as a plain value. `publicBaseUrl` stands as its server. */
export function openApiDocument(publicBaseUrl: string): Node {
  const components = new Map<string, Node>();
  const paths: Record<string, Node> = {};
  for (const call of calls) {
    paths[call.path] ??= {};
    const item = paths[call.path] as Node;
    item[call.method.toLowerCase()] = operationOf(call, components);
  }
  // Named by no call: what streams push.
  refer(event, components);
  refer(problem, components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'qrswitch',
      version: '1.0.0',
      description: DESCRIPTION,
    },
    servers: [{ url: publicBaseUrl }],
    tags: [
      { name: 'terminal', description: 'For terminals and merchants.' },
      { name: 'paychannel', description: 'For banks and wallets.' },
      { name: 'operator', description: 'For operators: who takes part, and with which keys.' },
      { name: 'everyone', description: 'Without a key.' },
    ],
    security: [{ key: [] }],
    paths,
    components: {
      schemas: Object.fromEntries(
        [...components].sort(([left], [right]) => (left < right ? -1 : 1)),
      ),
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key of a terminal, merchant, paychannel or operator.',
        },
      },
      headers: {
        'X-Request-Id': {
          description: 'The caller’s, or one made for the call.',
          schema: { type: 'string' },
        },
        'Retry-After': { description: 'Seconds.', schema: { type: 'integer', minimum: 0 } },
      },
      parameters: {
        'X-Request-Id': header(
          'X-Request-Id',
          'The caller’s own id of the call: echoed, and shown in problems and events.',
        ),
        traceparent: header('traceparent', 'W3C trace context; passed on.'),
      },
    },
    'x-websocket': webSocketOf(),
  };
}

const DESCRIPTION =
  'A payment switch for QR bills. Amounts are integers of minor units; times are RFC 3339, UTC; ids are opaque. A 2xx to a change means that it is durable; a 503 that nothing was done; a 504 that the outcome is unknown: retry with the same reference. Clients ignore fields, statuses and event types that they do not know.';

function operationOf(call: Call, components: Map<string, Node>): Node {
  const responses: Node = {};
  for (const [status, answer] of Object.entries(call.answers)) {
    responses[status] = {
      description: answer.description,
      headers: REQUEST_ID_HEADER,
      ...(answer.schema === null
        ? {}
        : {
            content: {
              [answer.contentType ?? 'application/json']: {
                schema: refer(answer.schema, components),
              },
            },
          }),
    };
  }
  addProblems(call, responses, components);
  const body = bodyOf(call, components);
  return {
    operationId: call.id,
    tags: [call.api],
    summary: call.summary,
    ...(call.description === undefined ? {} : { description: call.description }),
    ...(call.api === 'everyone' ? { security: [] } : {}),
    parameters: parametersOf(call, components),
    ...(body === undefined ? {} : { requestBody: body }),
    responses,
  };
}

const REQUEST_ID_HEADER = { 'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' } };

/** The problems of a call, one response a status. */
function addProblems(call: Call, responses: Node, components: Map<string, Node>): void {
  const codes: ProblemCode[] = [...(call.problems ?? [])];
  if (call.api !== 'everyone') {
    codes.push(...EDGE_PROBLEMS, ...PRINCIPAL_PROBLEMS);
    if (call.api === 'paychannel') codes.push(...EVIDENCE_PROBLEMS);
    if (call.request !== undefined && call.method !== 'GET') {
      codes.push('body.tooLarge', 'request.unsupportedType');
    }
  }
  const codesByStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = problems[code];
    codesByStatus.set(status, [...(codesByStatus.get(status) ?? []), code]);
  }
  for (const [status, those] of [...codesByStatus].sort(([left], [right]) => left - right)) {
    const list = those.map((code) => `\`${code}\` (${problems[code].title})`).join('; ');
    responses[String(status)] = {
      description: `${list}.`,
      headers:
        status === 429 || status === 503
          ? { ...REQUEST_ID_HEADER, 'Retry-After': { $ref: '#/components/headers/Retry-After' } }
          : REQUEST_ID_HEADER,
      content: { 'application/problem+json': { schema: refer(problem, components) } },
    };
  }
}

function namesOf(call: Call): string[] {
  return [...call.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
}

function parametersOf(call: Call, components: Map<string, Node>): Node[] {
  const fields: Record<string, TSchema> =
    call.request === undefined ? {} : allRequests[call.request].properties;
  const parameters: Node[] = namesOf(call).map((name) =>
    parameter({ name, in: 'path', required: true }, fields[name] ?? Type.String(), components),
  );
  for (const [name, schema] of Object.entries(call.query ?? {})) {
    parameters.push(parameter({ name, in: 'query', required: false }, schema, components));
  }
  if (call.key !== undefined) {
    parameters.push({
      ...header(
        'Idempotency-Key',
        call.key === 'required'
          ? 'Makes the call safe to retry.'
          : call.key === 'optional'
            ? 'Makes the call safe to retry: the same key is the same call.'
            : 'Needed with `amount`: makes the call safe to retry.',
      ),
      required: call.key === 'required',
      schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,64}$' },
    });
  }
  if (call.api !== 'everyone') {
    parameters.push({ $ref: '#/components/parameters/X-Request-Id' });
    parameters.push({ $ref: '#/components/parameters/traceparent' });
  }
  return parameters;
}

function parameter(
  place: { name: string; in: string; required: boolean },
  schema: TSchema,
  components: Map<string, Node>,
): Node {
  const { description, ...rest } = refer(schema, components) as Node & { description?: string };
  return { ...place, ...(description === undefined ? {} : { description }), schema: rest };
}

function header(name: string, description: string): Node {
  return { name, in: 'header', required: false, description, schema: { type: 'string' } };
}

/** The request body over HTTP: the request without what comes by the path and the key’s header. */
function bodyOf(call: Call, components: Map<string, Node>): Node | undefined {
  if (call.lines !== undefined) {
    const schema = { $ref: `#/components/schemas/${pascal(call.lines)}Request` };
    const description = 'One of these a line.';
    return { description, required: true, content: { 'application/x-ndjson': { schema } } };
  }
  if (call.request === undefined || call.method === 'GET' || call.method === 'DELETE')
    return undefined;
  const request: TObject = allRequests[call.request];
  if (call.bodyField !== undefined) {
    const field = request.properties[call.bodyField];
    return field === undefined ? undefined : jsonBody(refer(field, components), true);
  }
  const schema = bodySchema(request, [...namesOf(call), 'idempotencyKey']);
  const isRequired = ((schema.required as unknown[] | undefined) ?? []).length > 0;
  if (!isRequired && Object.keys(schema.properties as Node).length === 0) return undefined;
  const name = `${pascal(call.request)}Request`;
  components.set(name, schema);
  return jsonBody({ $ref: `#/components/schemas/${name}` }, isRequired);

  function bodySchema(of: TObject, without: readonly string[]): Node {
    const plain = refer(of, components) as { properties: Node; required?: string[] } & Node;
    const properties = Object.fromEntries(
      Object.entries(plain.properties).filter(([field]) => !without.includes(field)),
    );
    const required = (plain.required ?? []).filter((field) => !without.includes(field));
    return { ...plain, properties, ...(plain.required === undefined ? {} : { required }) };
  }
}

function jsonBody(schema: unknown, required: boolean): Node {
  return { required, content: { 'application/json': { schema } } };
}

/** A schema as plain JSON, with each named one inside it (and itself) replaced by a reference. */
function refer(schema: TSchema, components: Map<string, Node>): unknown {
  const name = (schema as { [NAME]?: string })[NAME];
  if (name === undefined) return plain(schema, components);
  if (!components.has(name)) {
    components.set(name, {});
    components.set(name, plain(schema, components) as Node);
  }
  return { $ref: `#/components/schemas/${name}` };
}

function plain(value: unknown, components: Map<string, Node>): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item) => inner(item, components));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, inner(item, components)]),
  );
}

function inner(value: unknown, components: Map<string, Node>): unknown {
  const isNamed = value !== null && typeof value === 'object' && NAME in value;
  return isNamed ? refer(value as unknown as TSchema, components) : plain(value, components);
}

/** OpenAPI has no words for WebSockets: an extension says what a client needs. */
function webSocketOf(): Node {
  return {
    addresses: ['/v1/terminal/stream', '/v1/paychannel/stream'],
    subprotocols: ['qrswitch.json', 'qrswitch.msgpack'],
    request: '{ id, op, body }; `requestId` may stand beside',
    answer: '{ id, status, body }',
    push: '{ event }',
    authentication:
      'The Authorization header, or as the first frame { op: "auth", body: { key } } within 5 s.',
    eventTypes: EVENT_TYPES,
    operations: Object.fromEntries(
      (Object.keys(requests) as RequestName[])
        .filter(
          (name) => name !== 'bill.receipt' && name !== 'credit.get' && !(name in deskRequests),
        )
        .map((name) => [name, plain(requests[name], new Map())]),
    ),
  };
}

function pascal(name: string): string {
  return name.replace(/(?:^|\.)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
