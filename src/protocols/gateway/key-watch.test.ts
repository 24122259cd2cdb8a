import { expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { watchKeys } from './key-watch.ts';
import type { Session, SessionContext } from './session.ts';

test('the keys of all sockets are judged in turn, however many there are', async () => {
  const clock = new ManualClock();
  const judged = new Set<number>();
  const sessionOf = (no: number): Session =>
    ({ keyHash: `key ${no}`, judgedAt: 0, judge: () => judged.add(no) }) as unknown as Session;
  const sessions = new Set(Array.from({ length: 20_000 }, (_, no) => sessionOf(no)));
  const principals = {
    endDue: () => undefined,
    tellUsed: () => Promise.resolve(),
    lookUpInTurn: () => Promise.resolve(null),
  };
  const accounts = { forgetIdle: () => undefined };
  const context = { options: { clock }, principals, accounts, sessions };
  const stop = watchKeys(context as unknown as SessionContext);
  // After 30 s they are due, 500 a second.
  await clock.pass(59_000);
  expect(judged.size).toBe(15_000);
  await clock.pass(11_000);
  stop();
  expect(judged.size).toBe(20_000);
  expect(sessions.size).toBe(20_000);
});
