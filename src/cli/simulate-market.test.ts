import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { qrswitch } from '../../tests/support/command-line.ts';
import { freePort } from '../../tests/support/ports.ts';
import { walletsCommand } from './simulate-market.ts';

const NOWHERE = ['--url', 'http://127.0.0.1:1', '--key', 'qrs_none'];

describe('qrswitch simulate terminals and wallets', () => {
  test.each([
    [['terminals', '--rate', '0'], 'a number from 0.01'],
    [['terminals', '--count', '1.5'], 'a whole number'],
    [['wallets', '--fault', 'lostAnswer'], 'a name, = and a number from 0 to 1'],
    [['wallets', '--fault', 'lostAnswer=2'], 'a name, = and a number from 0 to 1'],
    [['shop', '--transport', 'pigeon'], "'pigeon' is invalid"],
  ])('is not understood: %j', async (args, said) => {
    const { code, stderr } = await qrswitch('simulate', ...args);

    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });

  test('name the mishaps that there are', async () => {
    const { code, stderr } = await qrswitch('simulate', 'wallets', ...NOWHERE, '--fault', 'fire=1');

    expect(code).toBe(2);
    expect(stderr).toContain('there is no fire; there are lostRequest, lostAnswer');
  });

  test('say where they looked for keys, and how to give them', async () => {
    const { code, stderr } = await qrswitch('simulate', 'shop', '--demo', '/nowhere/demo.json');

    expect(code).toBe(1);
    expect(stderr).toContain('/nowhere/demo.json cannot be read. Give --url and --key');
  });

  test('say which file of codes they cannot read', async () => {
    const args = [...NOWHERE, '--codes', '/nowhere/codes'];
    const { code, stderr } = await qrswitch('simulate', 'wallets', ...args);

    expect(code).toBe(1);
    expect(stderr).toContain('--codes: /nowhere/codes: ENOENT');
  });

  test('say that there is no switch', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const args = ['--url', url, '--key', 'qrs_none'];
    const { code, stderr } = await qrswitch('simulate', 'terminals', ...args);

    expect(code).toBe(1);
    expect(stderr).toContain(`there is no switch at ${url}.`);
  });

  test('show nothing more once a line of the codes is none', async () => {
    const { url, close } = await startQuiet(201, {});
    const [stdout, stderr] = [new Screen(), new Screen()];
    const input = () => Readable.from(['{"code":1}\n']);
    const command = walletsCommand({ stdout, stderr }, () => {}, input);
    const args = ['--url', url, '--key', 'qrs_none', '--transport', 'http'];

    await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow('{"code":1}');
    expect(stderr.text.endsWith('\r\u001b[K')).toBe(true);
    await close();
  });

  test.each([
    [200, { id: 'b1', status: 'open', amount: 100 }],
    [409, { code: 'order.reused', billId: 'b1' }],
  ])('stop where the switch has orders of their run: %i', async (status, body) => {
    const { url, close } = await startQuiet(status, body);
    const switched = ['--url', url, '--key', 'qrs_none', '--transport', 'http', '--calm'];
    const options = ['--run', 'again', '--rate', '100', '--for', '3600', '--grace', '0'];
    const ended = await qrswitch('simulate', 'terminals', ...switched, ...options);

    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/again-o\d+ is there already: this run's name is used/);
    await close();
  });
});

/** Has no events, and answers all that is posted with the same. */
async function startQuiet(status: number, body: object) {
  const server = createServer(({ method }, response) => {
    const [code, answer] = method === 'POST' ? [status, body] : [200, { events: [] }];
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

/** A terminal: its line is cleared when the showing ends. */
class Screen extends Writable {
  readonly isTTY = true;
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
