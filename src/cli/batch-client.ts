// Creates bills through the batch call of a running switch: reads while it writes, and sends again whatever was not
// answered or may succeed later. That is safe: each line is known by its order.

import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { CommandFailure } from './io.ts';

export interface Target {
  /** Of the switch. */
  readonly url: string;
  /** Of a terminal. */
  readonly key: string;
}

export interface CreatedBill {
  readonly id: string;
  readonly type: string;
  readonly mode: 'test' | 'live';
  readonly orderId: string;
  readonly amount: number | null;
  readonly minAmount: number | null;
  readonly maxAmount: number | null;
  readonly currency: string;
  readonly description: string | null;
  readonly expiresAt: string | null;
  readonly qr: { readonly payload: string };
}

export interface LineProblem {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly retryAfter?: number;
}

/** What became of one request; `status` 0: nobody answered. */
export type Outcome =
  | { readonly status: number; readonly bill: CreatedBill; readonly problem?: undefined }
  | { readonly status: number; readonly bill?: undefined; readonly problem: LineProblem };

/** Tries in a row that bring nothing further. */
const TRIES_MAX = 6;
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 10_000;
/** A switch that answers nothing for so long is given up, and asked again. */
const SILENCE_MS = 60_000;

/** Tells each outcome once, in whatever order they come. Throws a CommandFailure where the switch refuses the call. */
export async function createBills(
  target: Target,
  requests: readonly unknown[],
  onOutcome: (index: number, outcome: Outcome) => void,
  leastPauseMs: number = PAUSE_MS,
): Promise<void> {
  const lines = requests.map((request) => `${JSON.stringify(request)}\n`);
  const open = new Set(lines.keys());
  /** Of those that are open, the last that was heard. */
  const heard = new Map<number, Outcome>();
  for (let tries = 0; open.size > 0 && tries < TRIES_MAX; tries++) {
    if (tries > 0) await pause(pauseMs(tries, heard, leastPauseMs));
    heard.clear();
    const sent = [...open];
    const failure = await call(
      target,
      sent.map((index) => lines[index]).join(''),
      (no, outcome) => {
        const index = sent[no - 1] ?? -1;
        if (outcome.problem?.retryable === true) heard.set(index, outcome);
        else if (open.delete(index)) onOutcome(index, outcome);
      },
    );
    for (const index of open) if (!heard.has(index)) heard.set(index, failure ?? UNANSWERED);
    if (open.size < sent.length) tries = 0;
  }
  for (const index of open) onOutcome(index, heard.get(index) ?? UNANSWERED);
}

const UNANSWERED = {
  status: 0,
  problem: {
    code: 'unanswered',
    detail: 'The switch did not answer. Import the file again: what was done is not done twice.',
    retryable: true,
  },
} as const satisfies Outcome;

function pauseMs(tries: number, heard: ReadonlyMap<number, Outcome>, leastMs: number): number {
  let asked = 0;
  for (const { problem } of heard.values()) asked = Math.max(asked, problem?.retryAfter ?? 0);
  return Math.min(Math.max(asked * 1000, leastMs * 2 ** (tries - 1)), PAUSE_MAX_MS);
}

/** One call with these lines; why it failed as a whole, or null. */
async function call(
  { url, key }: Target,
  lines: string,
  onOutcome: (no: number, outcome: Outcome) => void,
): Promise<Outcome | null> {
  const address = new URL('v1/terminal/bills/batch', url.endsWith('/') ? url : `${url}/`);
  const send = address.protocol === 'https:' ? requestHttps : requestHttp;
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/x-ndjson' };
  const request = send(address, { method: 'POST', headers, timeout: SILENCE_MS });
  request.once('timeout', () => request.destroy(new Error(`no answer for ${SILENCE_MS / 1000} s`)));
  try {
    const response = await new Promise<IncomingMessage>((done, failed) => {
      request.once('response', done);
      // For good: what could not be written is told by the answer, or by its end.
      request.on('error', failed);
      request.end(lines);
    });
    if (response.statusCode !== 200) return await refusalOf(response);
    await readOutcomes(response, onOutcome);
    return null;
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const detail = `${UNANSWERED.problem.detail} (${address.origin}: ${why})`;
    return { status: 0, problem: { ...UNANSWERED.problem, detail } };
  } finally {
    request.destroy();
  }
}

async function readOutcomes(
  response: IncomingMessage,
  onOutcome: (no: number, outcome: Outcome) => void,
): Promise<void> {
  for await (const text of createInterface({ input: response, crlfDelay: Infinity })) {
    const { line, ...outcome } = JSON.parse(text) as Outcome & { readonly line: number };
    onOutcome(line, outcome);
  }
}

async function refusalOf(response: IncomingMessage): Promise<Outcome> {
  const status = response.statusCode ?? 0;
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  const problem = problemIn(text);
  if (problem?.retryable === true) return { status, problem };
  throw new CommandFailure(
    `The switch refuses (${status}): ${problem?.detail ?? text.slice(0, 200)}`,
  );
}

function problemIn(text: string): LineProblem | undefined {
  try {
    return JSON.parse(text) as LineProblem;
  } catch {
    return undefined;
  }
}
