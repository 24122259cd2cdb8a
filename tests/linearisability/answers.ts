// Whether an answer says what the model says that it must.

import type { Shown, Told } from './bill.ts';
import { type Call, numberIn } from './calls.ts';

/** Whether an answer says what it must. */
export function agrees(told: Told, { answer }: Call): boolean {
  if (answer === null) return true;
  if (told.status !== 'refused')
    return answer.status === told.status && saysSo(told.body, answer.body);
  return answer.status >= 400 && answer.body.code === told.code && saysSo(told.body, answer.body);
}

function saysSo(expected: Shown, actual: unknown): boolean {
  if (typeof actual !== 'object' || actual === null) return true;
  const body = actual as Record<string, unknown>;
  for (const name in expected) {
    const wanted = expected[name];
    const is =
      name === 'no' ? (body.no ?? (body.id == null ? undefined : numberIn(body.id))) : body[name];
    if (is === undefined || wanted === undefined) continue;
    if (!isSame(wanted, is)) return false;
  }
  return true;
}

function isSame(wanted: NonNullable<Shown[string]> | null, is: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) {
    return typeof is === 'bigint' ? Number(is) === wanted : is === wanted;
  }
  if (!Array.isArray(wanted)) return saysSo(wanted as Shown, is);
  const list = wanted as readonly Shown[];
  return (
    Array.isArray(is) &&
    is.length === list.length &&
    list.every((each, index) => saysSo(each, is[index]))
  );
}

/** The version of the bill as it was when the call took effect; infinite where the answer tells none. */
export function versionShownBy({ op, answer }: Call): number {
  const { body, status } = answer ?? { body: {}, status: 0 };
  // A repeated payment is answered as it was the first time.
  const isThen = op !== 'payment.create' || status === 201;
  const bill = (body.bill ?? body) as Call['body'];
  const version = isThen && status < 300 ? bill.version : undefined;
  return typeof version === 'number' ? version : Number.POSITIVE_INFINITY;
}
