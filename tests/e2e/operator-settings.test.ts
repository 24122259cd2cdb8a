// What operators set of new bills, on the real switch: tariffs that are kept for merchants, and what codes are made of. Every
// thread goes by it soon after, a bill keeps what it was made of, and its create may be repeated whatever is set by then.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Bill, type Body, done, fresh, type Party, refused } from '../support/client.ts';
import { qrswitch } from '../support/command-line.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { type House, OperatorParty, onboardHouse } from '../support/operator.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

const WITHIN = { timeout: 30_000, interval: 100 };
/** More than one connection a gateway, so that all of them are asked. */
const AT_ONCE = 8;

let world: World;
let folder: string;
let till: Party;
let wallet: Party;
let system: OperatorParty;
let merchantId: string;

beforeAll(async () => {
  world = await World.start(redisAndPostgres, { QRSWITCH_GATEWAYS: '2' });
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-settings-'));
  merchantId = world.process.demo.merchant.id;
  vi.stubEnv('QRSWITCH_KEY', world.process.demo.operator.key);
  connect();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
  await world?.stop();
});
beforeEach(() => showOutputOnFailure(() => world?.process));

function connect(): void {
  till = world.http('terminal');
  wallet = world.http('paychannel');
  system = new OperatorParty(world, world.process.demo.operator.key);
}

/** One price, whatever the time. */
function tariff(amount: number, more: Body = {}): Body {
  const version = {
    effectiveFrom: '2026-01-01T00:00:00Z',
    graceSeconds: 60,
    quoteSeconds: 60,
    rules: [{ name: 'Always', phases: [{ amount }] }],
    ...more,
  };
  return { currency: 'EUR', timeZone: 'Europe/Riga', versions: [version] };
}

function orderOf(name: string, more: Body = {}): Body {
  return { type: 'timer', orderId: fresh('stay'), currency: 'EUR', tariff: { name }, ...more };
}

const put = (name: string, document: Body): Promise<{ revision: number }> =>
  system.done('operator.tariff.put', { merchantId, tariffName: name, ...document });
const end = (name: string): Promise<object> =>
  system.done('operator.tariff.end', { merchantId, tariffName: name });
const create = (name: string): Promise<Bill> => done(till, 'bill.create', orderOf(name));
const dueOf = async ({ id }: Bill) => (await done(wallet, 'bill.view', { billId: id })).due;

/** What every gateway makes of the name, once they agree. */
const everywhere = (name: string) => async () => {
  const asked = Array.from({ length: AT_ONCE }, () => till.ask('bill.create', orderOf(name)));
  const told = (await Promise.all(asked)).map(({ body }) => {
    const { tariff: origin, code } = body as { tariff?: { revision: number }; code?: string };
    return origin?.revision ?? code;
  });
  return [...new Set(told)];
};
const known = (name: string, told: unknown) =>
  expect.poll(everywhere(name), WITHIN).toEqual([told]);

async function run(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await qrswitch(...argv, '--url', world.process.baseUrl);
  if (code !== 0) throw new Error(`qrswitch ${argv.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

function fileOf(document: Body): string {
  const file = join(folder, 'tariff.json');
  writeFileSync(file, JSON.stringify(document));
  return file;
}

describe('a kept tariff', () => {
  test('makes bills by its name, each of the revision that is the newest then', async () => {
    await put('town', tariff(700));
    await known('town', 1);
    const order = orderOf('town');
    const first = await done(till, 'bill.create', order);
    expect(first.tariff).toEqual({ name: 'town', revision: 1 });
    expect(await dueOf(first)).toBe(700);
    expect(await put('town', tariff(900))).toMatchObject({ revision: 2 });
    await known('town', 2);
    expect(await dueOf(await create('town'))).toBe(900);
    // What was made of the earlier one stays, and so does its create.
    expect(await dueOf(first)).toBe(700);
    const again = await till.ask('bill.create', order);
    expect(again).toMatchObject({ status: 200, body: { id: first.id, tariff: { revision: 1 } } });
    await end('town');
    await known('town', 'tariff.unknown');
    expect(await till.ask('bill.create', order)).toEqual({ ...again, headers: expect.anything() });
    const other = { ...order, description: 'another' };
    expect(await refused(till, 'bill.create', other)).toMatchObject({ code: 'order.reused' });
    expect(await put('town', tariff(900))).toMatchObject({ revision: 3 });
    await known('town', 3);
  });

  test('is there after a crash, at once, and so is what was made of it', async () => {
    await put('garage', tariff(300));
    await known('garage', 1);
    const order = orderOf('garage');
    const bill = await done(till, 'bill.create', order);
    await put('garage', tariff(400));
    await end('garage');
    await put('garage', tariff(500));
    await world.crash();
    connect();
    const again = await till.ask('bill.create', order);
    expect(again).toMatchObject({ status: 200, body: { id: bill.id, tariff: { revision: 1 } } });
    expect(await dueOf(bill)).toBe(300);
    expect(await create('garage')).toMatchObject({ tariff: { name: 'garage', revision: 3 } });
  });

  test('that cannot be had for a bill is refused as what it is, on every way', async () => {
    await put('foreign', { ...tariff(100), currency: 'USD' });
    await put('later', tariff(100, { effectiveFrom: '2999-01-01T00:00:00Z' }));
    await known('later', 'tariff.notInForce');
    const refusals = [
      ['none', { code: 'tariff.unknown', name: 'none' }],
      ['foreign', { code: 'tariff.currencyMismatch', name: 'foreign', currency: 'USD' }],
      ['later', { code: 'tariff.notInForce', name: 'later' }],
    ] as const;
    const stream = await world.stream('terminal', 'msgpack');
    for (const [name, problem] of refusals) {
      for (const party of [till, stream]) {
        const told = await party.ask('bill.create', orderOf(name));
        expect(told).toMatchObject({ status: 422, body: { ...problem, retryable: false } });
      }
    }
    const odd = orderOf('x', { tariff: { name: 'a b', of: 1 } });
    expect(await refused(till, 'bill.create', odd)).toMatchObject({
      code: 'request.invalid',
      errors: expect.arrayContaining([
        { path: 'tariff.of', message: 'is not a field of this tariff' },
        { path: 'tariff.name', message: 'must be 1 to 64 of A-Za-z0-9._:-' },
      ]),
    });
    const lines = [orderOf('none'), orderOf('none', { tariff: tariff(250) })];
    const answers = await batch(lines);
    expect(answers).toMatchObject([
      { status: 422, problem: { code: 'tariff.unknown' } },
      { status: 201, bill: { tariff: null } },
    ]);
  });

  async function batch(lines: readonly Body[]): Promise<unknown[]> {
    const response = await fetch(`${world.process.baseUrl}/v1/terminal/bills/batch`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${world.keys.terminal}`,
        'Content-Type': 'application/x-ndjson',
      },
      body: lines.map((line) => JSON.stringify(line)).join('\n'),
    });
    const answers = (await response.text()).trim().split('\n');
    const told = answers.map((line) => JSON.parse(line) as { line: number });
    return told.toSorted((left, right) => left.line - right.line);
  }

  test('is refused by its places where it could not be charged by, and nothing of it is kept', async () => {
    const phases = [{ amount: 1 }, { amount: 2, perMinutes: 0 }];
    const flawed = tariff(1, { rules: [{ name: 'x', phases }], graceSeconds: 'soon' });
    const of = { merchantId, tariffName: 'flawed' };
    expect(await system.ask('operator.tariff.put', { ...of, ...flawed })).toMatchObject({
      status: 400,
      body: {
        errors: [
          { path: 'versions[0].graceSeconds' },
          { path: 'versions[0].rules[0].phases[1].perMinutes' },
        ],
      },
    });
    const unending = tariff(1, { rules: [{ name: 'x', phases: [{ amount: 1 }, { amount: 2 }] }] });
    expect(await system.ask('operator.tariff.put', { ...of, ...unending })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'versions[0].rules[0].phases[0].forMinutes' }] },
    });
    const odd = { ...of, tariffName: 'a b', ...tariff(1) };
    expect(await system.ask('operator.tariff.put', odd)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'tariffName' }] },
    });
    expect(await system.ask('operator.tariff.get', of)).toMatchObject({
      status: 404,
      body: { code: 'tariff.notFound' },
    });
  });

  test('is put by who looks after the merchant, read by who looks on, and not there for others', async () => {
    const [here, there]: House[] = await Promise.all([
      onboardHouse(system, 'Here'),
      onboardHouse(system, 'There'),
    ]);
    if (!here || !there) throw new Error('two houses');
    const as = (key: string | null) => new OperatorParty(world, key ?? '');
    const of = { merchantId: here.merchant.id, tariffName: 'town' };
    const asked = async (key: string | null, verb: string, more: Body = {}) => {
      const { status } = await as(key).ask(`operator.tariff.${verb}`, { ...of, ...more });
      return status;
    };
    expect(await asked(here.merchantAdmin.key, 'put', tariff(1))).toBe(200);
    expect(await asked(here.admin.key, 'put', tariff(2))).toBe(200);
    expect(await asked(here.viewer.key, 'put', tariff(3))).toBe(403);
    expect(await asked(here.viewer.key, 'end')).toBe(403);
    expect(await asked(here.viewer.key, 'get')).toBe(200);
    for (const { key } of [there.admin, there.merchantAdmin]) {
      expect(await asked(key, 'put', tariff(3))).toBe(404);
      expect(await asked(key, 'end')).toBe(404);
      expect(await asked(key, 'get')).toBe(404);
      const { items } = await as(key).done<{ items: unknown[] }>('operator.tariff.list', {
        merchantId: here.merchant.id,
      });
      expect(items).toEqual([]);
    }
    // The name is the merchant's own: another's terminal knows no such tariff.
    const own = world.http('terminal', here.terminal.key ?? '');
    const made = async () => (await own.ask('bill.create', orderOf('town'))).status;
    await expect.poll(made, WITHIN).toBe(201);
    const abroad = world.http('terminal', there.terminal.key ?? '');
    expect(await refused(abroad, 'bill.create', orderOf('town'))).toMatchObject({
      code: 'tariff.unknown',
    });
  });

  test('is put, listed, shown and ended by commands', async () => {
    const of = ['--merchant', merchantId];
    const document = tariff(150);
    const file = fileOf(document);
    const told = JSON.parse(await run('tariff', 'put', 'street', file, ...of, '--json')) as object;
    expect(told).toMatchObject({ name: 'street', merchantId, revision: 1, endedAt: null });
    await run('tariff', 'put', 'street', file, ...of);
    await run('tariff', 'put', 'street', fileOf(tariff(175)), ...of);
    const list = await run('tariff', 'list', ...of);
    expect(list).toMatch(/^name +merchant +revision +since +ended\n/);
    expect(list).toMatch(/^street +mer_\w+ +2 /m);
    const shown = await run('tariff', 'show', 'street', ...of);
    expect(shown).toMatch(/^revision +2$/m);
    expect(shown).toMatch(/^ +2 +opr_\w+ +\d{4}-\d\d-\d\d \d\d:\d\d\n +1 +opr_/m);
    expect(shown).toContain('"amount": 175');
    const earlier = await run('tariff', 'show', 'street', ...of, '--revision', '1', '--document');
    expect(JSON.parse(earlier)).toEqual(document);
    expect(await run('tariff', 'end', 'street', ...of)).toMatch(/^endedAt +\d{4}-/m);
    const unfit = await qrswitch(
      ...['tariff', 'put', 'street', fileOf({ ...document, timeZone: 'Moon' }), ...of],
      ...['--url', world.process.baseUrl],
    );
    expect(unfit).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('timeZone is no time'),
    });
  });
});

describe('what codes are made of', () => {
  let house: House;
  let own: Party;

  beforeAll(async () => {
    house = await onboardHouse(system, 'Codes');
    own = world.http('terminal', house.terminal.key ?? '');
  });

  const order = (currency = 'EUR'): Body => ({ orderId: fresh('code'), amount: 1250, currency });
  const change = (kind: keyof House, fields: Body, by = system) =>
    by.ask(`operator.${kind}.changeCodes`, { partyId: house[kind].id, ...fields });
  const shown = (kind: keyof House) =>
    system.done<object>(`operator.${kind}.codes`, { partyId: house[kind].id });

  /** What every gateway's new bills say, once they agree; or why there is none. */
  const codes = (currency?: string) => async () => {
    const asked = Array.from({ length: AT_ONCE }, () => own.ask('bill.create', order(currency)));
    const said = (await Promise.all(asked)).map(({ body }) => {
      const { qr, code } = body as { qr?: Bill['qr']; code?: string };
      return qr === undefined ? code : saidBy(qr);
    });
    return [...new Set(said)];
  };
  const soon = (said: string, currency?: string) =>
    expect.poll(codes(currency), WITHIN).toEqual([said]);

  /** The format, and what of it comes from the settings. */
  function saidBy({ format, payload }: Bill['qr']): string {
    if (format === 'emvco') {
      const country = /5802([A-Z]{2})59/.exec(payload)?.[1];
      return `emvco ${country} ${/5204(\d{4})53/.exec(payload)?.[1]}`;
    }
    return format === 'sbp' ? `sbp ${/bank=(\d+)/.exec(payload)?.[1]}` : format;
  }

  /** What a reader that is none of ours reads in the picture of a new bill's code. */
  async function scanned(): Promise<string> {
    const { id } = await done(own, 'bill.create', order());
    const png = await fetch(`${world.process.baseUrl}/v1/terminal/bills/${id}/qr.png?size=400`, {
      headers: { Authorization: `Bearer ${house.terminal.key}` },
    });
    const file = join(folder, 'code.png');
    writeFileSync(file, new Uint8Array(await png.arrayBuffer()));
    const options = ['--raw', '--quiet', '--nodbus', '-Sdisable', '-Sqrcode.enable'];
    const { stdout } = await promisify(execFile)('zbarimg', [...options, file]);
    return stdout.trim();
  }

  test('is the institution’s, the merchant’s and the terminal’s, each before the other, on every gateway', async () => {
    expect(await shown('terminal')).toEqual({
      kind: 'terminal',
      id: house.terminal.id,
      set: { format: null },
      inForce: { format: 'url', country: null, category: null, sbpMember: null },
    });
    await soon('url');
    expect(await change('institution', { format: 'emvco', country: 'LV' })).toMatchObject({
      status: 200,
      body: { set: { format: 'emvco', country: 'LV', sbpMember: null } },
    });
    await soon('emvco LV 0000');
    await change('merchant', { country: 'EE', category: '5814' });
    await soon('emvco EE 5814');
    const text = await scanned();
    expect(saidBy({ format: 'emvco', payload: text, svg: '', png: '' })).toBe('emvco EE 5814');
    const wanted = { amount: 1250, merchant: { name: 'Codes Shop' } };
    const partner = world.http('paychannel', house.paychannel.key ?? '');
    expect(await done(partner, 'bill.resolve', { qr: text })).toMatchObject(wanted);
    await change('terminal', { format: 'url' });
    await soon('url');
    expect(await shown('terminal')).toMatchObject({
      set: { format: 'url' },
      inForce: { format: 'url', country: 'EE', category: '5814', sbpMember: null },
    });
  });

  test('stands on a bill for good: a repeat of its create is answered with it, though it could not be made now', async () => {
    const before = order('RUB');
    const bill = await done(own, 'bill.create', before);
    await change('terminal', { format: 'sbp' });
    await soon('qr.formatUnfit', 'RUB');
    const again = await own.ask('bill.create', before);
    expect(again).toMatchObject({ status: 200, body: { id: bill.id, qr: bill.qr } });
    const problem = await refused(own, 'bill.create', order('RUB'));
    expect(problem).toMatchObject({
      status: 422,
      detail: expect.stringMatching(/^In the format sbp, which is set .*member number/),
    });
    await change('institution', { sbpMember: '100000000999' });
    await soon('sbp 100000000999', 'RUB');
    await change('terminal', { format: null });
    await soon('emvco EE 5814', 'RUB');
  });

  test('is shown, set and taken away by commands', async () => {
    const { institution, terminal } = house;
    const lines = await run('terminal', 'codes', terminal.id, '--format', 'url');
    expect(lines).toMatch(/^codes +set +in force\n/);
    expect(lines).toMatch(/^format +url +url$/m);
    expect(lines).toMatch(/^country +EE$/m);
    await soon('url');
    await run('terminal', 'codes', terminal.id, '--format', 'none');
    const told = await run('institution', 'codes', institution.id, '--format', 'none', '--json');
    expect(JSON.parse(told)).toMatchObject({ set: { format: null, country: 'LV' } });
    expect(await run('terminal', 'codes', terminal.id)).toMatch(/^format +url$/m);
    await soon('url');
  });

  test('is refused by its place, and to those whose role does not take it in', async () => {
    const unfit: [keyof House, Body, string][] = [
      ['institution', { format: 'pix' }, 'format'],
      ['institution', { country: 'lv' }, 'country'],
      ['institution', { country: 'ZZ' }, 'country'],
      ['institution', { sbpMember: '1' }, 'sbpMember'],
      ['institution', { category: '5814' }, 'category'],
      ['merchant', { category: 'food' }, 'category'],
      ['terminal', { country: 'LV' }, 'country'],
      ['terminal', {}, ''],
    ];
    for (const [kind, fields, path] of unfit) {
      expect(await change(kind, fields), JSON.stringify(fields)).toMatchObject({
        status: 400,
        body: { code: 'request.invalid', errors: [{ path }] },
      });
    }
    const by = (key: string | null) => new OperatorParty(world, key ?? '');
    const { admin, viewer, merchantAdmin } = house;
    const allowed: [string | null, keyof House, Body, number][] = [
      [admin.key, 'institution', { country: 'LT' }, 403],
      [admin.key, 'merchant', { country: 'LT' }, 200],
      [merchantAdmin.key, 'merchant', { country: 'LT' }, 403],
      [merchantAdmin.key, 'terminal', { format: null }, 200],
      [viewer.key, 'terminal', { format: null }, 403],
    ];
    for (const [key, kind, fields, status] of allowed) {
      expect((await change(kind, fields, by(key))).status, kind).toBe(status);
    }
  });
});
