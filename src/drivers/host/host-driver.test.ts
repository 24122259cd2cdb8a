import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtProgram } from '../../../tests/support/built-program.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { millis } from '../../domain/time.ts';
import type { BillDriver, Refund, Registration, Tender } from '../contract/bill-driver.ts';
import { hostDriver } from './host-driver.ts';

/** A program whose driver prints something. */
const PRINTING = `
import { DriverLife } from './driver-life.js';
const life = new DriverLife({
  program: new URL('./driver-process.js', import.meta.url),
  task: { kind: 'bill', name: null, specifier: new URL('./driver.mjs', import.meta.url).href, settings: { good: true }, tagKey: null },
  clock: { after: (ms, callback) => { const timer = setTimeout(callback, ms); return () => clearTimeout(timer); } },
  memoryMb: 64,
  hear: ({ type }) => {
    if (type === 'ready') life.say({ no: 1, call: 'look', args: [{ ref: 'prints' }] });
    else void life.close();
  },
  ended: () => {},
});
`;

/** A driver whose registration’s `ref` says how its look ends. */
const DRIVER = `
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
const kept = [];
const sighting = { status: 'open', paid: 0, returned: 0, isReturning: false, reference: null, payer: null };
const ways = {
  fine: async () => ({ outcome: 'done', value: sighting }),
  busy: async () => ({ outcome: 'unknown', detail: '429', afterMs: 7, unsent: 'busy' }),
  odd: async () => ({ outcome: 'done', value: { ...sighting, paid: 1.5 } }),
  throws: async () => { throw new Error('oops'); },
  rants: async () => { throw new Error('\\0' + 'x'.repeat(100_000)); },
  hangs: () => new Promise(() => {}),
  spins: () => { for (;;); },
  dies: () => { process.nextTick(() => { throw new Error('dead'); }); return new Promise(() => {}); },
  exits: () => process.exit(3),
  sleeps: () => spawnSync('sleep', ['90']),
  parses: () => JSON.parse('[' + '{"a":1,"b":"xyz"},'.repeat(2 ** 22) + '1]').length,
  hoards: () => { for (;;) kept.push(kept.length); },
  buffers: () => { kept.push(Buffer.alloc(400_000_000, 1)); return new Promise(() => {}); },
  knows: async () => ({ outcome: 'unknown', detail: JSON.stringify(process.env), afterMs: 0 }),
  mumbles: async () => {
    for (const said of [null, 'word', { type: 'metrics' }, { type: 'fell', why: { toString: 1 } }]) process.send(said);
    return { outcome: 'done', value: sighting };
  },
  prints: async () => { console.log('a line'); return { outcome: 'done', value: sighting }; },
  pauses: () => { spawnSync('sleep', ['1']); return ways.fine(); },
};
export const driver = {
  contract: 1, kind: 'bill', name: 'odd',
  settings: Type.Object(
    { good: Type.Literal(true), away: Type.Optional(Type.String()), silent: Type.Optional(Type.String()), note: Type.Optional(Type.String()) },
    { additionalProperties: false },
  ),
  make: ({ away = '', silent = '', note = '' }) => {
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
    readNotification: async ({ body }) =>
      body === 'hangs' ? ways.hangs() : { refused: 'none', reply: { status: 404, headers: {}, body: '' } },
    close: async () => { if (note !== '') writeFileSync(note, 'closed'); },
    };
  },
};
`;

let folder: string;
let program: URL;
const open: { readonly clock: ManualClock; readonly driver: BillDriver }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-host-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'driver.mjs'), DRIVER);
  program = await builtProgram('driver-process', folder);
});

afterEach(async () => {
  const closed = open.splice(0).map(({ clock, driver }) => {
    const over = driver.close();
    clock.advance(2_000);
    return over;
  });
  await Promise.all(closed);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function hosted(
  change: {
    settings?: unknown;
    callMs?: number;
    callsMax?: number;
    specifier?: string;
    name?: string;
  } = {},
) {
  const clock = new ManualClock();
  const reports: string[] = [];
  const outcomes: string[] = [];
  const driver = await hostDriver({
    program,
    name: null,
    specifier: pathToFileURL(join(folder, 'driver.mjs')).href,
    settings: { good: true },
    clock,
    callMs: 10_000,
    callsMax: 10,
    memoryMb: 64,
    report: (what) => void reports.push(what),
    onAsked: (is) => void outcomes.push(is),
    ...change,
  });
  open.push({ clock, driver });
  const look = (ref: string) => driver.look({ ref } as Registration);
  return { clock, driver, look, outcomes, reports };
}

describe('a driver in a process of its own', () => {
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

  test('is not asked what no message can be made of', async () => {
    const { look, reports } = shared;

    expect(await look((() => undefined) as unknown as string)).toMatchObject({
      outcome: 'notDone',
      detail: 'it cannot be sent',
    });
    expect(reports.at(-1)).toMatch(/look cannot be sent: .* could not be cloned/);
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('is quoted shortly, without what a store cannot keep', async () => {
    const { look, reports } = shared;

    const said = `Error:  ${'x'.repeat(192)}`;
    expect(await look('rants')).toMatchObject({ outcome: 'unknown', detail: said });
    expect(reports.at(-1)).toMatch(/: Error: {2}x{192}$/);
  });

  test('is told of when it does not answer in time, once in a while, and each call counts', async () => {
    const { clock, look, outcomes, reports } = await hosted();
    for (const calls of [3, 2]) {
      const late = Array.from({ length: calls }, () => look('hangs'));
      clock.advance(10_000);
      await Promise.all(late);
      expect(await look('fine')).toMatchObject({ outcome: 'done' });
    }

    expect(reports).toEqual([
      expect.stringContaining('look was not answered in 10000 ms; 1 since last told'),
      expect.stringContaining('look was not answered in 10000 ms; 3 since last told'),
    ]);
    expect(outcomes.filter((is) => is === 'unknown')).toHaveLength(5);
    expect(outcomes.filter((is) => is === 'answered')).toHaveLength(2);
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
    ['parses', 'more heap than 64 MB'],
    ['hoards', 'more heap than 64 MB'],
  ])('that %s more than its memory holds is ended alone, and it is told why', async (ref, why) => {
    const { look, reports } = await hosted();

    expect(await look(ref)).toMatchObject({ outcome: 'unknown', detail: 'the driver has ended' });
    expect(reports.at(-1)).toContain(why);
  });

  test.runIf(process.platform === 'linux')('whose buffers outgrow it is ended', async () => {
    const { clock, look, reports } = await hosted({ callMs: 1e9 });
    const late = look('buffers');

    await expect
      .poll(() => {
        clock.advance(1_000);
        return reports.join();
      })
      .toContain('MB of memory, and may have 320');
    expect(await late).toMatchObject({ outcome: 'unknown' });
  });

  test('that sits in a call of the system is ended all the same', async () => {
    const { clock, driver, look } = await hosted();
    open.length = 0;
    const waiting = look('sleeps');
    let isOver = false;
    void driver.close().then(() => {
      isOver = true;
    });

    await expect
      .poll(() => {
        clock.advance(1_000);
        return isOver;
      })
      .toBe(true);
    expect(await waiting).toMatchObject({ outcome: 'unknown' });
  });

  test('may end what it holds when it is closed', async () => {
    const note = join(folder, 'note');
    const { driver } = await hosted({ settings: { good: true, note } });
    open.length = 0;
    await driver.close();

    expect(readFileSync(note, 'utf8')).toBe('closed');
  });

  test('has none of our settings, and is heard where it says what nobody asked', async () => {
    vi.stubEnv('SWITCH_SECRET', 's3cret');
    const { look } = await hosted();
    vi.unstubAllEnvs();
    const known = await look('knows');

    expect(known).toMatchObject({ detail: expect.stringContaining('"PATH"') });
    expect(JSON.stringify(known)).not.toContain('s3cret');
    expect(await look('mumbles')).toMatchObject({ outcome: 'done' });
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
  });

  test('prints no line of the log, which is what the switch prints', async () => {
    await builtProgram('driver-life', folder);
    const printing = join(folder, 'printing.mjs');
    writeFileSync(printing, PRINTING);
    const { stdout, stderr } = spawnSync(process.execPath, [printing], { encoding: 'utf8' });

    expect(stderr).toBe('a line\n');
    expect(stdout).toBe('');
  });

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

  test('has room for calls, however many notifications are posted', async () => {
    const { clock, driver, look } = await hosted({ callsMax: 4 });
    const posted = { headers: {}, body: 'hangs' };
    const two = [driver.readNotification(posted), driver.readNotification(posted)];

    const again = { refused: 'the driver is away', reply: { status: 503 } };
    expect(await driver.readNotification(posted)).toMatchObject(again);
    expect(await Promise.all([look('fine'), look('fine')])).toMatchObject([
      { outcome: 'done' },
      { outcome: 'done' },
    ]);
    clock.advance(10_000);
    expect(await Promise.all(two)).toMatchObject([again, again]);
    expect(await driver.readNotification({ headers: {}, body: '' })).toMatchObject({
      reply: { status: 404 },
    });
  });

  test('that is late for a moment lives on, however short its calls are to be', async () => {
    const { clock, look, reports } = await hosted({ callMs: 10 });
    const late = look('pauses');
    clock.advance(10);
    expect(await late).toMatchObject({ outcome: 'unknown' });
    clock.advance(4_990);
    await expect.poll(() => look('fine')).toMatchObject({ outcome: 'done' });

    clock.advance(10_000);
    expect(await look('fine')).toMatchObject({ outcome: 'done' });
    expect(reports.join()).not.toContain('is made anew');
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

  test('is the one of its package that is asked for', async () => {
    const file = join(folder, 'two.mjs');
    writeFileSync(
      file,
      `import { driver as odd } from './driver.mjs';
       const make = () => { throw new Error('it is even'); };
       export const driver = [odd, { ...odd, name: 'even', make }];`,
    );
    const specifier = pathToFileURL(file).href;
    const { look } = await hosted({ specifier, name: 'odd' });

    expect(await look('fine')).toMatchObject({ outcome: 'done' });
    await expect(hosted({ specifier, name: 'even' })).rejects.toThrow('even: it is even');
    await expect(hosted({ specifier })).rejects.toThrow('say which by driverName');
  });

  test('is refused with settings that do not fit, and where there is none', async () => {
    await expect(hosted({ settings: {} })).rejects.toThrow('odd: good');
    await expect(hosted({ specifier: 'no-such-driver' })).rejects.toThrow('Cannot find package');
  });
});
