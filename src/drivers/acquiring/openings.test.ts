import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { BillDriver } from '../contract/bill-driver.ts';
import type { AcquirerEntry } from './configured.ts';
import { Openings } from './openings.ts';

const entryOf = (name: string): AcquirerEntry => ({ name }) as AcquirerEntry;

/** What became of whom, and how often it was tried; `openAfter` tries of `bad` it opens. */
function openings(openAfter: number) {
  const clock = new ManualClock();
  const log: string[] = [];
  let tries = 0;
  let closed = 0;
  const driver = {
    close: async () => {
      closed += 1;
    },
  } as BillDriver;
  const all = new Openings({
    clock,
    open: async ({ name }) => {
      if (name === 'hung') return new Promise<BillDriver>(() => undefined);
      tries += name === 'bad' ? 1 : 0;
      if (name === 'bad' && tries <= openAfter) throw new Error('the licence server is away');
      return driver;
    },
    opened: ({ name }) => log.push(`${name} opened`),
    failed: ({ name }, error, againMs) =>
      log.push(`${name} ${(error as Error).message}, again in ${againMs}`),
  });
  return { all, clock, log, tries: () => tries, closed: () => closed };
}

describe('the drivers of acquirers', () => {
  test('are opened each by itself: one that fails or hangs holds up no other', async () => {
    const { all, clock, log } = openings(2);
    for (const name of ['bad', 'hung', 'good']) all.begin(entryOf(name));
    await clock.pass(0);
    expect(log).toEqual(['good opened', 'bad the licence server is away, again in 1000']);
    await clock.pass(1_000);
    expect(log.at(-1)).toBe('bad the licence server is away, again in 2000');
    await clock.pass(1_999);
    expect(log).toHaveLength(3);
    await clock.pass(1);
    expect(log.slice(3)).toEqual(['bad opened']);
  });

  test('are not tried again once nobody wants them, and what comes then is closed', async () => {
    const { all, clock, log, tries, closed } = openings(1);
    all.begin(entryOf('bad'));
    await clock.pass(0);
    all.begin(entryOf('good'));
    all.stop();
    await clock.pass(600_000);
    expect(tries()).toBe(1);
    expect(closed()).toBe(1);
    expect(log).toEqual(['bad the licence server is away, again in 1000']);
  });
});
