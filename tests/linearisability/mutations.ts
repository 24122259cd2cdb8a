// Good histories made bad, each in a way that no order of the calls can explain.

import { Random } from '../simulation/random.ts';
import type { Call } from './calls.ts';

/** Up to three of them: an answer older than what had been told, two answers swapped, a payment that never was. */
export function mutationsOf(calls: readonly Call[], seed: number): Call[][] {
  const random = new Random(seed, 12);
  return [older(calls, random), swapped(calls, random), robbed(calls)].filter(
    (mutated) => mutated !== null,
  );
}

function versionOf({ answer, op }: Call): number | null {
  const version = op === 'bill.get' ? answer?.body.version : undefined;
  return typeof version === 'number' ? version : null;
}

/** Two looks at the bill, one after the other, between which it changed. */
function looks(calls: readonly Call[], random: Random): [Call, Call] | null {
  const pairs: [Call, Call][] = [];
  for (const first of calls) {
    for (const second of calls) {
      const [before, after] = [versionOf(first), versionOf(second)];
      if (before === null || after === null || before >= after) continue;
      if (first.returnedAt < second.invokedAt) pairs.push([first, second]);
    }
  }
  return pairs.length === 0 ? null : random.pick(pairs);
}

function older(calls: readonly Call[], random: Random): Call[] | null {
  const pair = looks(calls, random);
  if (pair === null) return null;
  const [first, second] = pair;
  const version = (versionOf(first) ?? 0) - 1;
  const answer = { status: 200, body: { ...second.answer?.body, version } };
  return calls.map((call) => (call === second ? { ...second, answer } : call));
}

function swapped(calls: readonly Call[], random: Random): Call[] | null {
  const pair = looks(calls, random);
  if (pair === null) return null;
  const [first, second] = pair;
  return calls.map((call) => {
    if (call === first) return { ...first, answer: second.answer };
    return call === second ? { ...second, answer: first.answer } : call;
  });
}

/** Takes out an accepted payment that a later look shows, where nobody else can have paid it. */
function robbed(calls: readonly Call[]): Call[] | null {
  if (calls.some(({ op, answer }) => op === 'payment.create' && answer === null)) return null;
  const victim = calls.find(
    ({ op, answer, body, returnedAt }) =>
      op === 'payment.create' &&
      answer?.status === 201 &&
      !calls.some((other) => other.answer?.status === 200 && isSamePayment(other, body)) &&
      calls.some((look) => look.invokedAt > returnedAt && versionOf(look) !== null),
  );
  return victim === undefined ? null : calls.filter((call) => call !== victim);
}

function isSamePayment({ op, body }: Call, { paymentRef }: Call['body']): boolean {
  return op === 'payment.create' && body.paymentRef === paymentRef;
}
