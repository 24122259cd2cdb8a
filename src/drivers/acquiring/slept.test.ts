// Whoever has slept between the log and the call: another may have taken over, waited, and sent it since.

import { afterEach, describe, expect, test } from 'vitest';
import { type BankWorld, sberWorld, tbankWorld } from '../../../tests/support/bank-worlds.ts';
import {
  doneOf,
  NEVER_SENT,
  paid,
  refundOf,
  registered,
  seen,
} from '../../../tests/support/tenders.ts';
import { millis } from '../../domain/time.ts';

const SETTLE_MS = 60_000;

let world: BankWorld | undefined;

afterEach(async () => {
  await world?.close();
  world = undefined;
});

const banks = [
  ['T-Bank', tbankWorld],
  ['Sber', sberWorld],
] as const;

describe.each(banks)('a call to %s that was begun long ago', (_name, open) => {
  test('gives nothing back and ends nothing, and says so', async () => {
    const at = await open({ driver: { settleMs: SETTLE_MS } });
    world = at;
    const [waiting, registration] = [await registered(at, { id: 'another' }), await paid(at)];
    const attempt = { ...NEVER_SENT, begunAt: millis(at.clock.wall()) };
    at.clock.advance(SETTLE_MS / 2 + 1);
    const calls = [
      await at.driver.refund(registration, refundOf(50_00), attempt),
      await at.driver.cancel(waiting, attempt),
    ];

    const notSent = { outcome: 'notDone', code: 'unreachable', detail: 'too late' };
    expect(calls).toMatchObject([notSent, notSent]);
    expect((await seen(at, registration)).returned).toBe(0);
    expect((await seen(at, waiting)).status).toBe('open');
  });

  test('is sent where it was begun just now', async () => {
    const at = await open({ driver: { settleMs: SETTLE_MS } });
    world = at;
    const registration = await paid(at);
    const attempt = { ...NEVER_SENT, begunAt: millis(at.clock.wall()) };
    at.clock.advance(1_000);

    const given = doneOf(await at.driver.refund(registration, refundOf(50_00), attempt));
    expect(given.returned).toBe(50_00);
  });
});
