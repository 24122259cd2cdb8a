// Bills by the thousand: over the batch call, and from a CSV file by the command line.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jsonLines } from '../support/answers.ts';
import { type Bill, done, fresh, type HttpParty, type Problem } from '../support/client.ts';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { onboardTerminal } from '../support/onboarding.ts';
import { RawConnection, requestBytes } from '../support/raw-http.ts';
import { redisAndPostgres } from '../support/set-ups.ts';
import { DIST } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const BILLS = 10_000;
const PATH = '/v1/terminal/bills/batch';
const LINES = { 'Content-Type': 'application/x-ndjson' };

interface Answered {
  readonly line: number;
  readonly orderId: string | null;
  readonly status: number;
  readonly bill?: Bill;
  readonly problem?: Problem;
}

describe('a batch', () => {
  let world: World;
  let till: HttpParty;

  beforeAll(async () => {
    world = await World.start(redisAndPostgres);
    till = world.http('terminal');
  });
  afterAll(() => world?.stop());
  beforeEach(() => showOutputOnFailure(() => world?.process));

  const send = async (body: string, party = till): Promise<Answered[]> => {
    const { status, body: text } = await party.send('bill.batch', 'POST', PATH, body, LINES);
    expect(status).toBe(200);
    return inOrder(jsonLines(text as string) as Answered[]);
  };

  /** As an honest client: what was not done is sent again. These answers are not held against the document. */
  const settled = async (lines: readonly string[]): Promise<Answered[]> => {
    const response = await fetch(`${world.process.baseUrl}${PATH}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${world.keys.terminal}`, ...LINES },
      body: lines.join('\n'),
    });
    const answers = inOrder(jsonLines(await response.text()) as Answered[]);
    expect(answers.map(({ line }) => line)).toEqual(lines.map((_line, index) => index + 1));
    for (const [index, { problem }] of answers.entries()) {
      if (problem?.retryable !== true) continue;
      const [again] = await settled([lines[index] ?? '']);
      if (again !== undefined) answers[index] = again;
    }
    return answers;
  };

  test(`of ${BILLS} bills makes each of them once, however often it is sent`, async () => {
    const run = fresh('batch');
    const lines = Array.from({ length: BILLS }, (_, index) =>
      JSON.stringify({ orderId: `${run}-${index}`, amount: index + 1, currency: 'EUR' }),
    );
    const first = await settled(lines);
    expect(first.map(({ bill }) => bill?.orderId)).toEqual(
      first.map((_answer, index) => `${run}-${index}`),
    );
    expect(new Set(first.map(({ bill }) => bill?.id)).size).toBe(BILLS);

    const again = await settled(lines);
    expect(again.map(({ bill }) => bill?.id)).toEqual(first.map(({ bill }) => bill?.id));
    expect(again.filter(({ status }) => status !== 200)).toEqual([]);

    const { bill } = first[BILLS / 2] ?? {};
    const read = await done(till, 'bill.get', { billId: bill?.id });
    expect(read).toEqual(bill);
  });

  test('gives each line what it alone deserves', async () => {
    const order = { orderId: fresh('batch'), amount: 100, currency: 'EUR' };
    await done(till, 'bill.create', order);
    const lines = [
      JSON.stringify(order),
      JSON.stringify({ ...order, amount: 101 }),
      'no JSON',
      JSON.stringify({ ...order, orderId: `${order.orderId}-b`, currency: 'ZZZ' }),
      JSON.stringify({ ...order, orderId: `${order.orderId}-c` }),
      JSON.stringify({ ...order, orderId: `${order.orderId}-c` }),
    ];
    const answers = await send(`${lines.join('\r\n')}\r\n`);
    expect(answers.map(({ status, problem }) => problem?.code ?? status)).toEqual([
      200,
      'order.reused',
      'request.invalid',
      'request.invalid',
      201,
      200,
    ]);
    expect(answers[4]?.bill?.id).toBe(answers[5]?.bill?.id);
  });

  test('that its client breaks off has done the lines that had come, and can be sent again', async () => {
    const { key } = await onboardTerminal(world.stores.databaseUrl, {
      merchantId: world.process.demo.merchant.id,
    });
    const lines = Array.from({ length: 50 }, (_, index) =>
      JSON.stringify({ orderId: `cut-${index}`, amount: 5, currency: 'EUR' }),
    );
    const head = requestBytes({ method: 'POST', path: PATH, key }).replace(
      'Content-Length: 0',
      'Content-Length: 100000',
    );
    const connection = await RawConnection.open(world.process.port);
    await connection.write(`${head}${lines.slice(0, 20).join('\n')}\n${lines[20]?.slice(0, -2)}`);
    const party = world.http('terminal', key);
    await world.process.until('done with the lines that came whole', async () => {
      const { status } = await party.ask('bill.list', { orderId: 'cut-19' });
      return status === 200;
    });
    connection.abort();
    await connection.closed;
    const answers = await send(lines.join('\n'), party);
    expect(answers.map(({ status }) => status)).toEqual(
      lines.map((_line, no) => (no < 20 ? 200 : 201)),
    );
  });

  describe('from a CSV file', () => {
    let folder: string;
    let csv: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'qrswitch-import-'));
      csv = join(folder, 'bills.csv');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const bills = (...args: string[]): Promise<Ended> =>
      qrswitch(['bills', 'import', csv, '--url', world.process.baseUrl, ...args], {
        QRSWITCH_KEY: world.keys.terminal,
      });

    test('has a code for each row in a file and on a sheet, and says what became of each', async () => {
      const run = fresh('flat');
      const row = (no: number): string =>
        `${run}-${no};${no * 100};EUR;"Вода; май, кв. ${no}";${no}`;
      const rows = Array.from({ length: 30 }, (_, index) => row(index + 1));
      const header = 'orderId;amount;currency;description;metadata.flat';
      const bad = [`${run}-31;12.50;EUR;;`, `${run} 32;1;EUR;;`, `${run}-30;1;EUR;;`];
      writeFileSync(csv, `\ufeff${[header, ...rows, ...bad].join('\r\n')}\r\n`);
      const [out, pdf] = [join(folder, 'codes'), join(folder, 'sheet.pdf')];

      const first = await bills('--out', out, '--pdf', pdf);
      expect(first.stdout).toContain('30 created, 0 were there already, 3 failed');
      expect(first).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('3 of 33 rows failed'),
      });
      expect(readdirSync(out).sort()).toEqual(
        rows.map((_row, index) => `${run}-${index + 1}.svg`).sort(),
      );
      const results = readFileSync(join(folder, 'bills.results.csv'), 'utf8').trim().split('\n');
      expect(results[0]).toBe('line,orderId,result,status,billId,expiresAt,code,detail');
      expect(results.slice(31)).toEqual([
        expect.stringMatching(`^32,${run}-31,failed,400,,,request.invalid,.*amount`),
        expect.stringMatching(`^33,${run} 32,failed,400,,,request.invalid,.*orderId`),
        expect.stringMatching(`^34,${run}-30,failed,409,,,order.reused,`),
      ]);
      expect(readFileSync(pdf).toString('latin1')).toMatch(/\/Type \/Pages\n\/Count 3\n/);

      // Again, with the bad rows mended: nothing is made twice.
      writeFileSync(csv, `${[header, ...rows].join('\n')}\n`);
      const keyFile = join(folder, 'key');
      writeFileSync(keyFile, `${world.keys.terminal}\n`);
      const again = await qrswitch(
        [
          'bills',
          'import',
          csv,
          '--url',
          world.process.baseUrl,
          '--key-file',
          keyFile,
          '--out',
          out,
        ],
        {},
      );
      expect(again).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('0 created, 30 were there already, 0 failed'),
      });

      const [line, orderId, result, , billId] = (results[7] ?? '').split(',');
      expect([line, orderId, result]).toEqual(['8', `${run}-7`, 'created']);
      const bill = await done(till, 'bill.get', { billId });
      expect(bill).toMatchObject({
        orderId: `${run}-7`,
        amount: 700,
        description: 'Вода; май, кв. 7',
        metadata: { flat: '7' },
      });
      const svg = await till.send(
        'bill.qr.svg',
        'GET',
        `/v1/terminal/bills/${billId}/qr.svg?size=512`,
      );
      expect(readFileSync(join(out, `${run}-7.svg`), 'utf8')).toBe(svg.body);
    });

    test('creates nothing where it cannot go on', async () => {
      const run = fresh('not');
      writeFileSync(csv, `orderId,amount,currency\n${run}-1,1,EUR\n${run}-2,1,EUR,more\n`);
      const sheet = ['--pdf', join(folder, 'none.pdf')];
      expect(await bills(...sheet)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/line 3/),
      });

      writeFileSync(csv, `orderId,amount,currency\n${run}-1,1,EUR\n`);
      expect(await bills()).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/--out, --pdf/),
      });
      const url = ['--url', world.process.baseUrl];
      expect(await qrswitch(['bills', 'import', csv, ...url, ...sheet], {})).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/set QRSWITCH_KEY/),
      });
      expect(
        await qrswitch(['bills', 'import', csv, ...url, ...sheet], { QRSWITCH_KEY: 'nobody' }),
      ).toMatchObject({ code: 1, stderr: expect.stringMatching(/refuses \(401\)/) });
      expect(await till.ask('bill.list', { orderId: `${run}-1` })).toMatchObject({ status: 404 });
    });
  });
});

function inOrder(answers: readonly Answered[]): Answered[] {
  return [...answers].sort((one, other) => one.line - other.line);
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as its users run it. */
function qrswitch(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env } };
  return new Promise((ended) => {
    execFile(
      process.execPath,
      [join(DIST, 'cli/main.js'), ...args],
      options,
      (error, stdout, stderr) =>
        ended({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}
