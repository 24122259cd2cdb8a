// Whether what the clients of each bill were told can have come about one call after another: the run's calls as the
// checker in tests/linearisability takes them.

import type { Call as Checked } from '../linearisability/calls.ts';
import { checkHistory, describe } from '../linearisability/check.ts';
import { historiesOf } from '../linearisability/histories.ts';
import { idOf } from './evidence.ts';
import type { Call } from './memory.ts';

export interface Linearisability {
  readonly histories: number;
  /** Histories that need more search than they are given. */
  readonly gaveUp: number;
  readonly wrong: readonly string[];
}

const STATES_MAX = 20_000;
const CALLS_SHOWN = 12;
/** Each state of a long history is dear: a crowd before a billboard makes hundreds of calls. */
const LONG = 150;
const STATES_OF_LONG_MAX = 500;
/** How far the switch's clock may be from the clients': they share a machine, but processes are held up for seconds. */
const SKEW_MS = 300_000;

/** Said of the bill or its order; lists and events are of many. */
const OPS: ReadonlySet<string> = new Set<Checked['op']>([
  'bill.create',
  'order.resolve',
  'bill.get',
  'bill.view',
  'bill.reserve',
  'bill.release',
  'payment.create',
  'payment.get',
  'payment.void',
  'bill.confirm',
  'bill.cancel',
  'bill.refund',
  'payment.confirm',
  'payment.cancel',
  'payment.refund',
  'credit.settle',
]);

export function linearisabilityOf(calls: readonly Call[]): Linearisability {
  const histories = historiesOf(calls.flatMap(checked));
  const wrong: string[] = [];
  let gaveUp = 0;
  for (const history of histories) {
    const statesMax = history.length > LONG ? STATES_OF_LONG_MAX : STATES_MAX;
    const verdict = checkHistory(history, { statesMax, skewMs: SKEW_MS });
    if (verdict.ok === 'gaveUp') gaveUp += 1;
    else if (!verdict.ok) {
      const story = verdict.prefix.slice(-CALLS_SHOWN).map(describe).join('\n    ');
      wrong.push(`${verdict.why}\n    ${story}`);
    }
  }
  return { histories: histories.length, gaveUp, wrong };
}

/** As the checker takes it; nothing where a stranger was told that there is no such bill. */
function checked(call: Call): Checked[] {
  const { client, op, body, billId, status, answer } = call;
  if (!OPS.has(op) || (op === 'bill.view' && status === 404)) return [];
  return [
    {
      client: idOf(client),
      op: op as Checked['op'],
      body: billId === null ? body : { ...body, billId },
      answer: status === null ? null : { status, body: (answer ?? {}) as Checked['body'] },
      invokedAt: wallMs(call.invokedAt),
      returnedAt: call.returnedAt === null ? Number.POSITIVE_INFINITY : wallMs(call.returnedAt),
    },
  ];
}

function wallMs(monotonicUs: number): number {
  return performance.timeOrigin + monotonicUs / 1_000;
}
