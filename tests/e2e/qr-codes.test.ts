// Codes as a customer's phone has them: drawn by the switch, read by a reader that is none of ours, resolved by a wallet.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type Bill, type Body, done, fresh, type HttpParty, refused } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardMerchant } from '../support/onboarding.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { World } from '../support/world.ts';

/** 2 cm at the 203 dots an inch of a receipt printer: 160 dots. */
const TWO_CM = Math.round((2 / 2.54) * 203);
const FORMATS = ['url', 'emvco', 'sbp'] as const;

describe('a code', () => {
  let world: World;
  let till: HttpParty;
  let wallet: HttpParty;
  let key: string;
  let browser: Browser;
  let page: Page;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qrswitch-test-codes-'));
    [world, browser] = await Promise.all([World.start(postgresAlone), launchBrowser()]);
    page = await browser.newPage({ viewport: { width: 600, height: 600 } });
    // A name that takes the most room that names can take, of a merchant whose codes are EMVCo's by its terminal.
    const { institution } = world.process.demo;
    const terminal = await onboardMerchant(world.stores.databaseUrl, institution.id, {
      name: '🚕'.repeat(30),
      city: 'Санкт-Петербург',
      country: 'RU',
      qrFormat: 'emvco',
    });
    key = terminal.key;
    till = world.http('terminal', key);
    wallet = world.http('paychannel');
  });
  afterAll(async () => {
    await browser?.close();
    await world?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const order = (more: Body = {}): Body => ({
    orderId: fresh('order-of-a-till-that-writes-long-order-ids'),
    amount: 999_999_999_999,
    currency: 'RUB',
    ...more,
  });
  const create = (more: Body = {}): Promise<Bill> => done(till, 'bill.create', order(more));
  const draw = (bill: Bill, form: 'png' | 'svg', query: string): Promise<Response> =>
    fetch(`${world.process.baseUrl}/v1/terminal/bills/${bill.id}/qr.${form}?${query}`, {
      headers: { Authorization: `Bearer ${key}` },
    });

  /** What zbarimg reads in a picture. */
  async function scanned(png: Uint8Array): Promise<string> {
    const file = join(folder, `${fresh('code')}.png`);
    await writeFile(file, png);
    const options = ['--raw', '--quiet', '--nodbus', '-Sdisable', '-Sqrcode.enable'];
    const { stdout } = await promisify(execFile)('zbarimg', [...options, file]);
    return stdout.replace(/\n$/, '');
  }

  /** An SVG as a browser paints it, dot for dot. */
  async function painted(svg: string, size: number): Promise<Uint8Array> {
    await page.setContent(`<body style="margin:0">${svg}</body>`);
    return page.screenshot({ clip: { x: 0, y: 0, width: size, height: size } });
  }

  describe.each(FORMATS)('in the format %s', (qrFormat) => {
    test.each([
      [TWO_CM, 'margin=4'],
      [256, 'margin=0'],
      [301, 'margin=4'],
    ])('of %i dots is read by a reader of others, and resolved', async (size, query) => {
      const bill = await create({ qrFormat });
      expect(bill.qr.format).toBe(qrFormat);
      const png = await draw(bill, 'png', `size=${size}&${query}`);
      expect(await scanned(new Uint8Array(await png.arrayBuffer()))).toBe(bill.qr.payload);
      const svg = await draw(bill, 'svg', `size=${size}&${query}`);
      const text = await scanned(await painted(await svg.text(), size));
      expect(text).toBe(bill.qr.payload);
      expect(await done(wallet, 'bill.resolve', { qr: text })).toMatchObject({ id: bill.id });
    });

    test('that was changed is refused, on both transports', async () => {
      const { qr } = await create({ qrFormat });
      const stream = await world.stream('paychannel', 'msgpack');
      const end = qr.payload.at(-1);
      const changed = `${qr.payload.slice(0, -1)}${end === '7' ? '8' : '7'}`;
      for (const party of [wallet, stream]) {
        expect(await refused(party, 'bill.resolve', { qr: changed })).toMatchObject({
          status: 422,
          code: 'qr.tampered',
        });
      }
    });
  });

  test('that is too dense for its size and error correction is not drawn, but said to be', async () => {
    const bill = await create();
    for (const form of ['png', 'svg'] as const) {
      const answer = await draw(bill, form, `size=${TWO_CM}&ecc=H`);
      expect(answer.status).toBe(422);
      const problem = (await answer.json()) as { code: string; sizeMin: number };
      expect(problem).toMatchObject({ code: 'qr.tooDense' });
      expect(problem.sizeMin).toBeGreaterThan(TWO_CM);
      const larger = await draw(bill, form, `size=${problem.sizeMin}&ecc=H`);
      expect(larger.status).toBe(200);
    }
  });

  test('is in the format that is asked for, else the terminal’s, else the switch’s own', async () => {
    expect((await create()).qr.format).toBe('emvco');
    expect((await create({ qrFormat: 'url' })).qr.format).toBe('url');
    const plain = await done(world.http('terminal'), 'bill.create', order());
    expect(plain.qr).toMatchObject({
      format: 'url',
      payload: expect.stringContaining(`${world.process.baseUrl}/q/${plain.id}.`),
    });
  });

  test('of a format that cannot carry the bill is refused, and leaves no bill behind', async () => {
    const given = order({ currency: 'EUR' });
    expect(await refused(till, 'bill.create', { ...given, qrFormat: 'sbp' })).toMatchObject({
      status: 422,
      code: 'qr.formatUnfit',
      detail: expect.stringContaining('EUR'),
    });
    expect(await refused(till, 'bill.create', { ...given, qrFormat: 'pix' })).toMatchObject({
      code: 'request.invalid',
      errors: [{ path: 'qrFormat' }],
    });
    expect(await done(till, 'bill.create', given)).toMatchObject({ qr: { format: 'emvco' } });
  });

  test('opens its page in a plain camera, with its tag or as it was printed before', async () => {
    const { id, qr } = await create({ qrFormat: 'url' });
    const statusOf = async (address: string): Promise<number> => (await fetch(address)).status;
    expect(await statusOf(qr.payload)).toBe(200);
    expect(await statusOf(`${world.process.baseUrl}/q/${id}`)).toBe(200);
    expect(await statusOf(`${qr.payload.slice(0, -8)}00000000`)).toBe(404);
    expect(await done(wallet, 'bill.resolve', { qr: `${world.process.baseUrl}/q/${id}` })).toEqual(
      expect.objectContaining({ id }),
    );
  });

  test('is the same after a crash, from the log, and still ours', async () => {
    const bills = await Promise.all(FORMATS.map((qrFormat) => create({ qrFormat })));
    await world.crash();
    till = world.http('terminal', key);
    wallet = world.http('paychannel');
    for (const bill of bills) {
      const { qr } = await done(till, 'bill.get', { billId: bill.id });
      expect(qr).toEqual(bill.qr);
      expect(await done(wallet, 'bill.resolve', { qr: qr.payload })).toMatchObject({ id: bill.id });
    }
  });
});
