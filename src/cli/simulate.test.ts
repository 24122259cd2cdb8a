import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { qrswitch } from '../../tests/support/command-line.ts';
import { simulateCommand } from './simulate.ts';

class Kept extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('qrswitch simulate bank', () => {
  test.each(['tbank', 'sber'])(
    'serves %s, says where, and ends when it is told to',
    async (kind) => {
      const stdout = new Kept();
      let end = () => {};
      const running = simulateCommand({ stdout, stderr: new Kept() }, (then) => {
        end = then;
      }).parseAsync(['bank', '--kind', kind], { from: 'user' });
      await expect.poll(() => stdout.text).toContain('\n');
      const { url } = JSON.parse(stdout.text) as { url: string };

      const books = await fetch(`${url}/_sim/books`);
      expect(await books.json()).toMatchObject({ orders: [] });
      end();
      await running;
      await expect(fetch(`${url}/_sim/books`)).rejects.toThrow('fetch failed');
    },
  );

  test('says which merchant it knows: the one that it was told of', async () => {
    const terminals = [{ terminalKey: 'oursDEMO', password: 'ours' }];
    const stdout = new Kept();
    const told = ['--settings', JSON.stringify({ terminals })];
    const args = ['bank', '--kind', 'tbank', ...told];
    await simulateCommand({ stdout, stderr: new Kept() }, (end) => end()).parseAsync(args, {
      from: 'user',
    });

    expect(JSON.parse(stdout.text)).toMatchObject({ settings: { terminals } });
  });

  test.each([
    [['--kind', 'piggy'], "'piggy' is invalid"],
    [[], '--kind'],
    [['--kind', 'tbank', '--port', 'x'], '0 to 65535'],
    [['--kind', 'tbank', '--settings', 'x'], 'JSON object'],
  ])('refuses %j', async (options, said) => {
    const { code, stderr } = await qrswitch('simulate', 'bank', ...options);

    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });

  test('names a setting that the bank does not have', async () => {
    const { code, stderr } = await qrswitch(
      'simulate',
      'bank',
      '--kind',
      'tbank',
      '--settings',
      '{"a":1}',
    );

    expect(code).toBe(1);
    expect(stderr).toContain('/a Unexpected property');
  });
});
