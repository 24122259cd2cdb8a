// Creates bills through the batch call, one call after another, and leaves them open.

import { type IncomingMessage, request } from 'node:http';
import { histogram, percentiles, record } from './latencies.ts';
import type { LoadOutcome, LoadTask } from './messages.ts';
import type { WindowListener } from './window.ts';

export const CALL_LINES = 10_000;
const AMOUNT = 70_000;
/** What an answer to a new bill begins with. */
const CREATED = /^\{"line":\d+,"orderId":"[^"]+","status":201,"bill":\{"id":"\w{26}"/;

export class Batches {
  readonly #task: LoadTask;
  #begun = 0;

  constructor(task: LoadTask) {
    this.#task = task;
  }

  async run(on: WindowListener): Promise<LoadOutcome> {
    const count = this.#task.count ?? CALL_LINES;
    const callMs = histogram();
    on.windowOpened();
    const startedAt = performance.now();
    while (this.#begun < count) {
      const calledAt = performance.now();
      await this.#call(Math.min(CALL_LINES, count - this.#begun));
      record(callMs, performance.now() - calledAt);
    }
    const windowMs = performance.now() - startedAt;
    on.windowClosed();
    return {
      measured: count,
      windowMs,
      completed: count,
      amount: count * AMOUNT,
      eventsRepeated: 0,
      lifecycleMs: percentiles(callMs),
      payToEventMs: percentiles(histogram()),
      lastBills: [],
      endedAt: Date.now(),
    };
  }

  /** Every answer is looked at, and there is one for each line. */
  async #call(lines: number): Promise<void> {
    const { run, port, terminals } = this.#task;
    let body = '';
    for (let i = 0; i < lines; i++) {
      this.#begun += 1;
      body += `{"orderId":"${run}-${this.#begun}","amount":${AMOUNT},"currency":"EUR"}\n`;
    }
    const response = await new Promise<IncomingMessage>((answered, failed) => {
      const headers = {
        Authorization: `Bearer ${terminals[0]?.key}`,
        'Content-Type': 'application/x-ndjson',
      };
      const path = '/v1/terminal/bills/batch';
      const sent = request({ port, path, method: 'POST', headers }, answered);
      sent.on('error', failed);
      sent.end(body);
    });
    if (response.statusCode !== 200) throw new Error(`the batch got ${response.statusCode}`);
    let answers = 0;
    for await (const line of linesOf(response)) {
      if (!CREATED.test(line)) throw new Error(`a line got ${line.slice(0, 300)}`);
      answers += 1;
    }
    if (answers !== lines) throw new Error(`${lines} lines got ${answers} answers`);
  }
}

async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let begun = '';
  for await (const piece of response.setEncoding('latin1')) {
    const lines = (begun + (piece as string)).split('\n');
    begun = lines.pop() ?? '';
    yield* lines;
  }
  if (begun !== '') throw new Error('the answer ends in the middle of a line');
}
