import { describe, expect, test } from 'vitest';
import { ManualClock } from '../tests/support/manual-clock.ts';
import { CLOSING_MS, type Stage, stopAll } from './stopping.ts';

const DRAIN_MS = 20_000;

/** Parts that take so long to stop; what they do is heard with its time. */
function stopping(stages: readonly Readonly<Record<string, number>>[]) {
  const clock = new ManualClock();
  const heard: string[] = [];
  const say = (what: string): void => void heard.push(`${clock.monotonic()} ${what}`);
  const parts = stages.map((stage): Stage => {
    const stops = Object.entries(stage).map(([part, takesMs]) => {
      const stop = (leftMs: number): Promise<void> => {
        say(`${part} begins with ${leftMs}`);
        return new Promise((done) => {
          clock.after(takesMs, () => {
            say(`${part} ended`);
            done();
          });
        });
      };
      return [part, stop] as const;
    });
    return Object.fromEntries(stops);
  });
  const onLate = (part: string): void => say(`${part} is left`);
  const over = stopAll(parts, { clock, drainMs: DRAIN_MS, onLate }).then(() => say('over'));
  return { clock, heard, over };
}

describe('a stop', () => {
  test('stops the parts of a stage together, and the next when all of them have ended', async () => {
    const { clock, heard } = stopping([{ gateways: 9_000, webhooks: 7_000 }, { workers: 2_000 }]);
    await clock.pass(60_000);
    expect(heard).toEqual([
      '0 gateways begins with 20000',
      '0 webhooks begins with 20000',
      '7000 webhooks ended',
      '9000 gateways ended',
      '9000 workers begins with 11000',
      '11000 workers ended',
      '11000 over',
    ]);
  });

  test('leaves what does not end, so that all of it is over in one time', async () => {
    const never = 10 ** 9;
    const { clock, heard } = stopping([{ gateways: 0, webhooks: never }, { workers: never }]);
    await clock.pass(60_000);
    expect(heard.slice(3)).toEqual([
      `${DRAIN_MS + CLOSING_MS} webhooks is left`,
      `${DRAIN_MS + CLOSING_MS} workers begins with 0`,
      `${DRAIN_MS + 2 * CLOSING_MS} workers is left`,
      `${DRAIN_MS + 2 * CLOSING_MS} over`,
    ]);
  });

  test('fails as a part of it does', async () => {
    const broken = { gateways: () => Promise.reject(new Error('broken')) };
    const of = { clock: new ManualClock(), drainMs: DRAIN_MS, onLate: () => undefined };
    await expect(stopAll([broken], of)).rejects.toThrow('broken');
  });
});
