// Requests over HTTP that nearly fit, to every endpoint.

import type { Call } from '../../../src/protocols/call.ts';
import { calls } from '../../../src/protocols/calls.ts';
import { findCall } from '../../../src/protocols/gateway/router.ts';
import type { RequestName } from '../../../src/protocols/schemas/requests.ts';
import { fresh } from '../../support/client.ts';
import type { Choices } from '../choices.ts';
import { mutated } from '../mutations.ts';
import { type Odd, oddText } from '../odd-values.ts';
import { promise } from '../target.ts';
import { jsonText } from '../writers.ts';
import { aimedBill, aimedBody, keyFor, orderOf } from './aim.ts';
import { type NoAnswer, type RawAnswer, RawConnection } from './raw-connection.ts';
import type { Siege } from './siege.ts';

/** Operators' calls are left out: what they change is what the others rely on. */
const AIMS = calls.filter(({ id, api }) => !id.endsWith('.stream') && api !== 'operator');

interface Draft {
  readonly call: Call;
  readonly method: string;
  readonly path: string;
  readonly head: string;
  readonly content: Buffer;
  /** Of a create. */
  readonly orderId: unknown;
}

/** One connection after another, each used for as long as the switch keeps it open. */
export class HttpAttacker {
  readonly #siege: Siege;
  #connection: RawConnection | null = null;

  constructor(siege: Siege) {
    this.#siege = siege;
  }

  close(): void {
    this.#connection?.end();
  }

  async attack(choices: Choices): Promise<void> {
    const siege = this.#siege;
    const draft = drawn(choices, siege);
    siege.count('requests over HTTP');
    if (this.#connection === null || this.#connection.isClosed) {
      this.#connection = await RawConnection.open(siege.port);
    }
    if (choices.chance(0.05)) await this.#sendSpoilt(choices, this.#connection, draft);
    else await this.#sendWhole(this.#connection, draft);
  }

  /** With bytes changed anywhere: whatever it is now, perhaps the switch waits for more of it. */
  async #sendSpoilt(choices: Choices, connection: RawConnection, draft: Draft): Promise<void> {
    const { head, content, call, orderId } = draft;
    connection.send(mutated(choices, Buffer.concat([Buffer.from(head, 'latin1'), content])));
    const answer = await connection.answer({ withinMs: 50 });
    if (typeof answer !== 'string') promise(answer.status < 500, `answered ${answer.status}`, head);
    if (call.id === 'bill.create') this.#siege.noteCreate(orderId, null, null);
    connection.cut();
  }

  /** A kept connection may be closed between two requests; a new one may not. */
  async #sendWhole(kept: RawConnection, draft: Draft): Promise<void> {
    const first = await this.#sent(kept, draft);
    if (typeof first !== 'string') {
      this.#judge(draft, first);
      return;
    }
    kept.end();
    promise(first === 'closed', 'no answer at all', [draft.head, draft.content.toString()]);
    if (draft.call.id === 'bill.create') this.#siege.noteCreate(draft.orderId, null, null);
    this.#connection = await RawConnection.open(this.#siege.port);
    const again = await this.#sent(this.#connection, draft);
    if (typeof again !== 'string') this.#judge(draft, again);
    else promise(false, `no answer: ${again}`, [draft.head, draft.content.toString()]);
  }

  async #sent(connection: RawConnection, draft: Draft): Promise<RawAnswer | NoAnswer> {
    connection.send(Buffer.concat([Buffer.from(draft.head, 'latin1'), draft.content]));
    const answer = await connection.answer({ isHead: draft.method === 'HEAD' });
    if (typeof answer !== 'string' && !isKept(answer)) connection.end();
    return answer;
  }

  #judge({ method, path, call, orderId, head, content }: Draft, answer: RawAnswer): void {
    const siege = this.#siege;
    const { status, headers } = answer;
    promise(headers.has('x-request-id'), 'an answer without X-Request-Id', head);
    if (method === 'HEAD') return;
    const contentType = headers.get('content-type') ?? '';
    const isJson = /^application\/(?:problem\+)?json$/.test(contentType);
    const text = answer.body.toString();
    const body: unknown = isJson ? JSON.parse(text) : text;
    if (call.id === 'bill.create') siege.noteCreate(orderId, status, body);
    const found = findCall(method, path.split('?')[0] ?? '');
    if (found.found === 'call' && found.call.api === 'everyone') {
      promise(status < 500, `answered ${status}`, path);
      return;
    }
    const operation = found.found === 'call' ? found.call.id : null;
    siege.check(operation, { status, contentType, body }, [method, path, content.toString()]);
  }
}

/** Whether the next request may go the same way. Of lines, only the head has been read: the next answer would begin in them. */
function isKept({ headers }: RawAnswer): boolean {
  return headers.get('connection') !== 'close' && !headers.has('transfer-encoding');
}

function drawn(choices: Choices, siege: Siege): Draft {
  const call = choices.pick(AIMS);
  const body =
    call.request === undefined ? null : aimedBody(choices, siege, call.request as RequestName);
  const orderId = orderOf(body);
  const path = target(choices, siege, call, body);
  const method = choices.chance(0.95) ? call.method : choices.pick(['HEAD', 'PATCH', 'OPTIONS']);
  const fields = (body ?? {}) as Record<string, Odd>;
  const sent = call.bodyField === undefined ? body : fields[call.bodyField];
  const written: Buffer = Buffer.from(call.method === 'GET' ? '' : jsonText(choices, sent));
  const isSpoilt = written.length > 0 && choices.chance(0.1);
  const content = isSpoilt ? mutated(choices, written) : written;
  const head = headOf(choices, siege, call, { method, path, length: content.length });
  return { call, method, path, head, content, orderId };
}

function headOf(
  choices: Choices,
  siege: Siege,
  call: Call,
  line: { method: string; path: string; length: number },
): string {
  const lines = [`${line.method} ${line.path} HTTP/1.1`, 'Host: x'];
  lines.push(`Authorization: Bearer ${keyFor(choices, siege, call.api)}`);
  if (call.method !== 'GET' || line.length > 0) lines.push(`Content-Length: ${line.length}`);
  const type = choices.chance(0.95) ? 'application/json' : choices.pick(['text/plain', '*/*', ';']);
  if (choices.chance(0.9)) lines.push(`Content-Type: ${type}`);
  const key = choices.chance(0.8) ? fresh('key') : headerText(oddText(choices));
  if (call.key !== undefined && choices.chance(0.9)) lines.push(`Idempotency-Key: ${key}`);
  if (choices.chance(0.2))
    lines.push(`X-Request-Id: ${headerText(oddText(choices)).slice(0, 300)}`);
  if (choices.chance(0.1)) lines.push(`traceparent: ${headerText(oddText(choices)).slice(0, 300)}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Whatever a header line can carry. */
function headerText(text: string): string {
  return text.replaceAll(/[^\t -~\u00a0-\u00ff]/g, '');
}

function target(choices: Choices, siege: Siege, call: Call, body: Odd): string {
  const fields = (body !== null && typeof body === 'object' ? body : {}) as Record<string, Odd>;
  const path = call.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
    const own = fields[name];
    delete fields[name];
    const value =
      name === 'billId' ? aimedBill(choices, siege) : typeof own === 'string' ? own : 'o-1';
    const text = choices.chance(0.9) ? value : oddText(choices);
    return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '')).slice(0, 600);
  });
  if (call.query === undefined || choices.chance(0.4)) return path;
  const pairs = choices.several(3, () => {
    const name = choices.pick([...Object.keys(call.query ?? {}), 'more']);
    const value = choices.pick([
      '0',
      '1',
      '2',
      'open',
      'x',
      '%00',
      '%ff',
      '',
      '2026-01-31T09:30:00Z',
      'M',
    ]);
    return `${name}=${value}`;
  });
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
