// Whether the answers agree with each other: one outcome a reference, one content a version, and never back in time.

import { type Evidence, type Findings, tell } from './evidence.ts';
import { type Call, isDefinite, isDone } from './memory.ts';

type Shown = Readonly<Record<string, unknown>>;

export function agree(evidence: Evidence, findings: Findings): void {
  const { contradictions } = findings;
  for (const calls of evidence.byReference.values()) {
    contradictions.push(...oneOutcome(calls), ...nothingForgotten(calls));
  }
  contradictions.push(...oneContent(evidence), ...neverBack(evidence.calls));
}

// --------------------------------------------------------------------------------------------------- one outcome --

function oneOutcome(calls: readonly Call[]): string[] {
  let first: { call: Call; outcome: string } | null = null;
  const found: string[] = [];
  const answers = new Map<string, Call>();
  for (const call of calls.filter(isDefinite)) {
    const outcome = outcomeOf(call);
    if (outcome === null) continue;
    first ??= { call, outcome };
    if (first.outcome !== outcome) found.push(`${tell(first.call)}, then ${tell(call)}`);
    if (call.op !== 'payment.create' || !isDone(call)) continue;
    // What a wallet was told of its payment stays so to the letter.
    const body = JSON.stringify(call.body);
    const told = answers.get(body);
    if (told === undefined) answers.set(body, call);
    else if (canonical(told.answer) !== canonical(call.answer)) {
      found.push(`${tell(told)}, then ${tell(call)}`);
    }
  }
  return found;
}

type Outcome = (call: Call, answer: Shown) => string | null;

const outcomes: Readonly<Record<string, Outcome>> = {
  order: outcomeOfOrder,
  payment: outcomeOfPayment,
  reservation: (call, { id, amount }) => (isDone(call) ? `${id} ${amount}` : null),
  key: (call, { code }) => {
    if (code === 'idempotency.reused' || call.status === 404) return null;
    return isDone(call) ? 'done' : String(code);
  },
  credit: (call, { status, reference }) => (isDone(call) ? `${status} ${reference}` : null),
  confirm: (call, { status, confirmed }) =>
    isDone(call) ? `${status === 'cancelled'} ${confirmed}` : null,
  confirmOne: (call, answer) => (isDone(call) ? `confirmed ${confirmedIn(answer)}` : null),
  cancelOne: (call, { payment }) => (isDone(call) ? String((payment as Shown).status) : null),
  cancel: (call, { status }) => (isDone(call) ? String(status) : null),
};

/** What became of the reference, as this answer tells it; null where it tells nothing of that. */
function outcomeOf(call: Call): string | null {
  const kind = call.reference?.split(' ')[0] ?? '';
  return outcomes[kind]?.(call, (call.answer ?? {}) as Shown) ?? null;
}

/** What of a payment was confirmed, whatever of it was refunded later. */
export function confirmedIn({ payment, credits }: Shown): number {
  const reversals = (credits as readonly Shown[]).filter(({ kind }) => kind === 'reversal');
  return reversals.reduce(
    (left, { amount }) => left - Number(amount),
    Number((payment as Shown).amount),
  );
}

function outcomeOfOrder(call: Call, answer: Shown): string | null {
  if (answer.code === 'order.void' || (isDone(call) && answer.status === 'void')) return 'void';
  if (answer.code === 'order.reused') return `bill ${answer.billId}`;
  return isDone(call) ? `bill ${answer.id}` : null;
}

function outcomeOfPayment(call: Call, answer: Shown): string | null {
  const { code } = answer;
  if (code === 'payment.void') return 'void';
  if (call.op === 'payment.create') {
    if (code === 'payment.refReused' || call.status === 404) return null;
    const payment = (answer.payment ?? {}) as Shown;
    return isDone(call) ? `accepted ${payment.id} ${payment.amount}` : `refused ${code}`;
  }
  if (!isDone(call)) return null;
  return answer.status === 'refused' ? `refused ${code}` : `accepted ${answer.id} ${answer.amount}`;
}

/** What was done once is never unknown later: a question sent after the answer gets that answer. */
function nothingForgotten(calls: readonly Call[]): string[] {
  const done = calls.filter(isDone);
  const first = done.reduce<Call | null>(
    (found, call) => ((found?.returnedAt ?? Infinity) <= (call.returnedAt ?? 0) ? found : call),
    null,
  );
  if (first === null) return [];
  const known = first.returnedAt ?? 0;
  return calls
    .filter((call) => call.invokedAt > known && call.status === 404)
    .map((call) => `${tell(first)}, then ${tell(call)}`);
}

// ----------------------------------------------------------------------------------------------------- versions --

const MONEY = ['status', 'paid', 'confirmed', 'reversed', 'refunded', 'unreturned', 'due'] as const;

/** A bill of one version is one bill, in every answer and in Postgres. */
function oneContent({ calls, bills }: Evidence): string[] {
  const known = new Map<string, { content: Shown; from: string }>();
  const found: string[] = [];
  for (const { id, ...content } of bills.values()) {
    known.set(`${id} ${content.version}`, { content, from: `Postgres ${JSON.stringify(content)}` });
  }
  for (const call of calls) {
    const content = billShown(call);
    if (content === null) continue;
    const of = `${content.id} ${content.version}`;
    const before = known.get(of);
    if (before === undefined) known.set(of, { content, from: tell(call) });
    else if (
      !moneyOf(content, bills).every((name) => isEqual(before.content[name], content[name]))
    ) {
      found.push(`version ${of}: ${before.from}, then ${tell(call)}`);
    }
  }
  return found;
}

/** What a stay asks for moves with the time, and is no change of its bill. */
function moneyOf({ id }: Shown, bills: Evidence['bills']): readonly string[] {
  const isStay = bills.get(String(id))?.type === 'timer';
  return isStay ? MONEY.filter((name) => name !== 'due') : MONEY;
}

/** Whoever asks after an answer has come sees at least what that answer showed. */
function neverBack(calls: readonly Call[]): string[] {
  const told = calls.filter((call) => billShown(call) !== null && call.returnedAt !== null);
  const byReturn = [...told].sort((a, b) => (a.returnedAt ?? 0) - (b.returnedAt ?? 0));
  const floors = new Map<unknown, { version: number; call: Call }>();
  const found: string[] = [];
  let next = 0;
  const raise = (call: Call): void => {
    const { id, version } = billShown(call) ?? {};
    if (Number(version) > (floors.get(id)?.version ?? 0)) {
      floors.set(id, { version: Number(version), call });
    }
  };
  for (const call of [...told].sort((a, b) => a.invokedAt - b.invokedAt)) {
    for (; (byReturn[next]?.returnedAt ?? Infinity) < call.invokedAt; next++) {
      raise(byReturn[next] as Call);
    }
    // A payment is shown as it was answered, with the bill as it was then.
    if (call.op === 'payment.create') continue;
    const { id, version } = billShown(call) ?? {};
    const floor = floors.get(id);
    if (floor !== undefined && Number(version) < floor.version) {
      found.push(`back in time: ${tell(floor.call)}, then ${tell(call)}`);
    }
  }
  return found;
}

/** The bill in an answer; null where there is none. */
function billShown(call: Call): Shown | null {
  if (!isDone(call)) return null;
  const answer = (call.answer ?? {}) as Shown;
  const bill = (answer.bill ?? answer) as Shown;
  return typeof bill.id === 'string' && typeof bill.version === 'number' ? bill : null;
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === undefined || b === undefined || a === b;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
