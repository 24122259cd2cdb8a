// Holds every answer that a test's client sees against the document that the switch serves at /openapi.json.

import { DocumentSchemas } from './json-schema.ts';

interface Media {
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, Media>>;
}

export interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly responses: Readonly<Record<string, Response>>;
}

export type OpenApi = Readonly<Record<string, unknown>>;

/** An answer, wherever it came from. */
export interface Seen {
  readonly status: number;
  /** Null over WebSocket, where there is none. */
  readonly contentType: string | null;
  readonly body: unknown;
}

const EVENT = { $ref: '#/components/schemas/Event' };
const PROBLEM = { $ref: '#/components/schemas/Problem' };

export class Answers {
  readonly document: OpenApi;
  readonly #schemas: DocumentSchemas;
  readonly #operations = new Map<string, Operation>();
  /** Which calls have succeeded by which way: `HTTP bill.create`. */
  readonly made = new Set<string>();

  constructor(document: OpenApi) {
    this.document = document;
    this.#schemas = DocumentSchemas.of(document);
    const paths = document.paths as Record<
      string,
      Record<string, Omit<Operation, 'method' | 'path'>>
    >;
    for (const [path, item] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const of = { ...operation, method: method.toUpperCase(), path };
        this.#operations.set(operation.operationId, of);
      }
    }
  }

  static async of(baseUrl: string): Promise<Answers> {
    const answer = await fetch(`${baseUrl}/openapi.json`);
    return new Answers((await answer.json()) as OpenApi);
  }

  get operations(): Iterable<Operation> {
    return this.#operations.values();
  }

  operation(id: string): Operation {
    const operation = this.#operations.get(id);
    if (operation === undefined) throw new Error(`the document has no operation ${id}`);
    return operation;
  }

  /** Throws where the document does not allow the answer to the operation. */
  check(id: string, seen: Seen): void {
    const { status, contentType, body } = seen;
    const response = this.operation(id).responses[String(status)];
    const where = `${id} answered ${status}`;
    if (response === undefined) {
      throw new Error(`${where}, which the document does not name: ${JSON.stringify(body)}`);
    }
    if (status < 300) this.made.add(`${contentType === null ? 'WebSocket' : 'HTTP'} ${id}`);
    const media = Object.entries(response.content ?? {});
    const [declared] = media;
    if (declared === undefined) {
      if (body !== null && body !== '')
        throw new Error(`${where} with a body: ${JSON.stringify(body)}`);
      return;
    }
    const [type, { schema }] = declared;
    if (contentType !== null && contentType !== type) {
      throw new Error(`${where} as ${contentType}; the document says ${type}`);
    }
    const isLines = contentType === 'application/x-ndjson';
    for (const value of isLines ? jsonLines(String(body)) : [body]) this.#fit(where, value, schema);
    if (status >= 400) this.#checkProblem(where, response, body as Record<string, unknown>, status);
  }

  /** Throws where a pushed event is not as the document says. */
  checkEvent(event: unknown): void {
    this.#fit('an event', event, EVENT);
  }

  checkIsProblem(where: string, body: unknown): void {
    this.#fit(where, body, PROBLEM);
  }

  #fit(where: string, body: unknown, schema: Readonly<Record<string, unknown>>): void {
    const faults = this.#schemas.faultsOf(body, schema);
    if (faults.length === 0) return;
    throw new Error(`${where}, but ${faults.join('; ')}: ${JSON.stringify(body)}`);
  }

  /** A code that the document does not name for this status is a call that is not documented whole. */
  #checkProblem(
    where: string,
    response: Response,
    body: Record<string, unknown>,
    status: number,
  ): void {
    if (body.status !== status) throw new Error(`${where}, but its body says ${body.status}`);
    if (body.type !== `/problems/${body.code}`) {
      throw new Error(`${where}: type and code differ: ${JSON.stringify(body)}`);
    }
    if (!response.description.includes(`\`${body.code}\``)) {
      throw new Error(`${where} with ${body.code}; the document names: ${response.description}`);
    }
  }
}

/** The values of a text that has one a line, each line ended. */
export function jsonLines(text: string): unknown[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
}
