import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { millis } from '../../domain/time.ts';
import type { BillDriver, Refund, Registration, Tender } from '../contract/bill-driver.ts';
import { hostDriver } from './host-driver.ts';

/** A driver whose registration’s `ref` says how its look ends. */
const DRIVER = `
import { existsSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
const sighting = { status: 'open', paid: 0, returned: 0, isReturning: false, reference: null, payer: null };
const ways = {
  fine: async () => ({ outcome: 'done', value: sighting }),
  busy: async () => ({ outcome: 'unknown', detail: '429', afterMs: 7, unsent: 'busy' }),
  odd: async () => ({ outcome: 'done', value: { ...sighting, paid: 1.5 } }),
  throws: async () => { throw new Error('oops'); },
  hangs: () => new Promise(() => {}),
  spins: () => { for (;;); },
  dies: () => { process.nextTick(() => { throw new Error('dead'); }); return new Promise(() => {}); },
  exits: () => process.exit(3),
};
export const driver = {
  contract: 1, kind: 'bill', name: 'odd',
  settings: Type.Object(
    { good: Type.Literal(true), away: Type.Optional(Type.String()), silent: Type.Optional(Type.String()) },
    { additionalProperties: false },
  ),
  make: ({ away = '', silent = '' }) => {
    if (existsSync(away)) throw new Error('its card is away');
    if (existsSync(silent)) for (;;);
    return {
    capabilities: {
      hold: false, partialRefund: true, closesByItself: true, notifications: 'none', currencies: ['RUB'],
      amountMin: 1, amountMax: 100, lifetimeMinMs: 0, lifetimeMaxMs: 1000,
    },
    register: async () => ({ outcome: 'unknown', detail: '', afterMs: 0 }),
    look: ({ ref }) => ways[ref](),
    cancel: async () => ({ outcome: 'done', value: sighting }),
    refund: async () => ({ outcome: 'done', value: sighting }),
    readNotification: async () => ({ refused: 'none', reply: { status: 404, headers: {}, body: '' } }),
    close: async () => {},
    };
  },
};
`;

let folder: string;
let program: URL;
const open: BillDriver[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-host-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'driver.mjs'), DRIVER);
  const file = join(folder, 'driver-thread.mjs');
  await build({
    input: 'src/drivers/host/driver-thread.ts',
    platform: 'node',
    external: [/^[^./]/],
    output: { file, format: 'esm', codeSplitting: false },
    logLevel: 'warn',
  });
  program = pathToFileURL(file);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((driver) => driver.close()));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function hosted(change: { settings?: unknown; callsMax?: number; specifier?: string } = {}) {
  const clock = new ManualClock();
  const reports: string[] = [];
  const driver = await hostDriver({
    program,
    specifier: pathToFileURL(join(folder, 'driver.mjs')).href,
    settings: { good: true },
    clock,
    callMs: 10_000,
    callsMax: 10,
    memoryMb: 64,
    report: (what) => void reports.push(what),
    ...change,
  });
  open.push(driver);
  const look = (ref: string) => driver.look({ ref } as Registration);
  return { clock, driver, look, reports };
}

describe('a driver in a thread of its own', () => {
  let shared: Awaited<ReturnType<typeof hosted>>;
  beforeAll(async () => {
    shared = await hosted();
    // Closed at the end, and not after the first test.
    open.length = 0;
  });
  afterAll(() => shared.driver.close());

  test('answers as it does without', async () => {
    const { driver, look } = shared;

    expect(driver.capabilities).toMatchObject({ currencies: ['RUB'], amountMax: 100 });
    expect(await look('fine')).toMatchObject({ outcome: 'done', value: { status: 'open' } });
    expect(await look('busy')).toMatchObject({ outcome: 'unknown', unsent: 'busy', afterMs: 7 });
    expect(await driver.readNotification({ headers: {}, body: '' })).toMatchObject({
      refused: 'none',
    });
  });

  test.each([
    ['odd', 'its answer to look is none'],
    ['throws', 'Error: oops'],
  ])('is not believed when its answer is %s', async (ref, detail) => {
    const { look, reports } = shared;

    expect(await look(ref)).toMatchObject({ outcome: 'unknown', detail });
    expect(reports.at(-1)).toContain(detail);
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('that does not answer is unknown in its time, and holds up no other call', async () => {
    const { clock, look } = shared;
    const late = look('hangs');

    expect(await look('fine')).toMatchObject({ outcome: 'done' });
    clock.advance(10_000);
    expect(await late).toMatchObject({ outcome: 'unknown' });
    // It still turns, says so, and lives on.
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
    clock.advance(10_000);
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('that never gives back its processor holds up itself alone, and is ended', async () => {
    const { clock, look, reports } = await hosted();
    const both = [look('spins'), look('fine')];
    clock.advance(10_000);

    expect(await Promise.all(both)).toMatchObject([{ outcome: 'unknown' }, { outcome: 'unknown' }]);
    clock.advance(10_000);
    await expect.poll(() => reports.join()).toContain('is made anew in 1000 ms');
    clock.advance(1_000);
    await expect.poll(() => look('fine')).toMatchObject({ outcome: 'done' });
  });

  test.each(['dies', 'exits'])(
    'that %s leaves what it was asked unknown, and is made anew',
    async (ref) => {
      const { clock, driver, look } = await hosted();
      const waiting = look('hangs');

      expect(await look(ref)).toMatchObject({ outcome: 'unknown' });
      expect(await waiting).toMatchObject({ outcome: 'unknown', detail: 'the driver has ended' });
      expect(await look('fine')).toMatchObject({ outcome: 'notDone', code: 'unreachable' });
      expect(await driver.readNotification({ headers: {}, body: '' })).toMatchObject({
        reply: { status: 503 },
      });
      clock.advance(1_000);
      await expect.poll(() => look('fine')).toMatchObject({ outcome: 'done' });
    },
  );

  test.each([
    ['away', 'it cannot be used: odd: its card is away'],
    ['silent', 'it cannot be used: it is not ready after 30 s'],
  ])('that is %s when made anew is made once more, later each time', async (how, said) => {
    const file = join(folder, how);
    const { clock, look, reports } = await hosted({ settings: { good: true, [how]: file } });
    const told = (what: string) => reports.filter((report) => report.includes(what)).length;
    writeFileSync(file, '');
    await look('exits');
    for (const [times, afterMs] of [1_000, 2_000, 4_000].entries()) {
      await expect.poll(() => told(`is made anew in ${afterMs} ms`)).toBe(1);
      expect(await look('fine')).toMatchObject({ outcome: 'notDone', code: 'unreachable' });
      if (times === 2) rmSync(file);
      clock.advance(afterMs);
      if (times === 2) break;
      if (how === 'silent') clock.advance(30_000);
      await expect.poll(() => told(said)).toBe(times + 1);
    }
    await expect.poll(() => look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('has so many calls at once, and no more', async () => {
    const { clock, look } = await hosted({ callsMax: 2 });
    const two = [look('hangs'), look('hangs')];

    expect(await look('fine')).toMatchObject({ outcome: 'notDone', code: 'busy' });
    clock.advance(10_000);
    await Promise.all(two);
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('that is away or full does not say what an earlier call has done', async () => {
    const { clock, driver, look } = await hosted({ callsMax: 1 });
    const calls = (lastSentAt: number | null) => {
      const attempt = { lastSentAt: lastSentAt === null ? null : millis(lastSentAt) };
      const registration = { ref: 'r' } as Registration;
      return Promise.all([
        driver.register({ id: 'b-1' } as Tender, attempt),
        driver.cancel(registration, attempt),
        driver.refund(registration, { id: 'c1' } as Refund, attempt),
      ]);
    };
    const waiting = look('hangs');

    const unclear = { outcome: 'unknown', unsent: 'unclear', afterMs: 5_000 };
    const busy = { ...unclear, unsent: 'busy' };
    expect(await calls(clock.wall())).toMatchObject([busy, busy, busy]);
    const full = { outcome: 'notDone', code: 'busy' };
    expect(await calls(null)).toMatchObject([full, full, full]);
    clock.advance(10_000);
    await waiting;
    await look('exits');
    expect(await calls(clock.wall())).toMatchObject([unclear, unclear, unclear]);
    const away = { outcome: 'notDone', code: 'unreachable' };
    expect(await calls(null)).toMatchObject([away, away, away]);
  });

  test('is refused with settings that do not fit, and where there is none', async () => {
    await expect(hosted({ settings: {} })).rejects.toThrow('odd: good');
    await expect(hosted({ specifier: 'no-such-driver' })).rejects.toThrow('Cannot find package');
  });
});
