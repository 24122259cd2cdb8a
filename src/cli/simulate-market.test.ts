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
    const quiet = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"events":[]}');
    });
    await new Promise<void>((listening) => quiet.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(quiet.address() as AddressInfo).port}`;
    const [stdout, stderr] = [new Screen(), new Screen()];
    const input = () => Readable.from(['{"code":1}\n']);
    const command = walletsCommand({ stdout, stderr }, () => {}, input);
    const args = ['--url', url, '--key', 'qrs_none', '--transport', 'http'];

    await expect(command.parseAsync(args, { from: 'user' })).rejects.toThrow('{"code":1}');
    expect(stderr.text.endsWith('\r\u001b[K')).toBe(true);
    quiet.closeAllConnections();
    await new Promise((closed) => quiet.close(closed));
  });
});

/** A terminal: its line is cleared when the showing ends. */
class Screen extends Writable {
  readonly isTTY = true;
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
