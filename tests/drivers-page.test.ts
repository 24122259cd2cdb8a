// docs/drivers.md writes drivers from nothing. These are they, from the page alone, tried against their contracts.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TerminalDriverModule } from '../src/drivers/contract/delivery-driver.ts';
import { qrswitch } from './support/command-line.ts';

const page = readFileSync('docs/drivers.md', 'utf8');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-driver-'));
  // What the page says to install, and nothing beside it.
  for (const [, name = '', version] of page.matchAll(/^npm install (\S+)@(\S+)$/gm)) {
    const place = join('node_modules', name);
    const own = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
    expect(own).toMatchObject({ name, version });
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    symlinkSync(join(process.cwd(), place), join(folder, place));
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The blocks of one file on the page, changed as a test needs it. */
function written(
  name: string,
  change: (code: string) => string = (code) => code,
  of = 'driver.mjs',
): string {
  const blocks = [...page.matchAll(/^```js file=(\S+)\n([\s\S]*?)^```$/gm)];
  const code = blocks.flatMap((block) => (block[1] === of ? [block[2]] : [])).join('\n');
  expect(code).not.toBe('');
  const file = join(folder, name);
  writeFileSync(file, change(code));
  return file;
}

describe('the driver of docs/drivers.md', () => {
  test('is told to install what it imports', () => {
    const installed = [...page.matchAll(/^npm install (\S+)@/gm)].map((match) => match[1]);
    const imported = [...page.matchAll(/^import .* from '([^']+)';$/gm)].map((match) => match[1]);

    // Vitest finds what lies in the switch's own folder, too: what runs here might not run elsewhere.
    const libraries = imported.filter((name) => !name?.startsWith('node:'));
    expect([...new Set(libraries)]).toEqual(installed);
  });

  test('keeps the contract', async () => {
    const { code, stdout } = await qrswitch('driver', 'check', written('driver.mjs'));

    expect(stdout).not.toContain('FAIL');
    expect(code).toBe(0);
  });

  test('is caught where it says no of what it cannot know', async () => {
    const file = written('hasty.mjs', (code) =>
      code.replace('return unknown(error.message)', "return notDone('refused', '', 'never')"),
    );
    const { code, stdout, stderr } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  gives back once when the first call is disturbed: answerLost');
    expect(stderr).toContain('does not keep the contract');
    expect(code).toBe(1);
  });

  test('is caught where its module keeps what it must know again', async () => {
    const file = written('knowing.mjs', (code) =>
      code
        .replace('const made = await', 'known.add(id);\n        const made = await')
        .replace(
          'look: ({ ref }) =>',
          "look: ({ ref }) => !known.has(ref) ? notDone('unregistered', '', 'never') :",
        )
        .replace('const unknown =', 'const known = new Set();\nconst unknown ='),
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  sees a bill open, then paid, with a driver made anew');
    expect(code).toBe(1);
  });

  test('is caught where a busy bank makes it forget the call before', async () => {
    const file = written('forgetful.mjs', (code) => code.replace('lastSentAt === null', 'true'));
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  does not say no of a lost refund');
    expect(code).toBe(1);
  });
});

describe('a bank that lets a part be paid', () => {
  test('has a driver caught that takes the part for the whole', async () => {
    const file = written('generous.mjs', (code) =>
      code.replace(
        /look: .*\n/,
        `look: async ({ ref, amount }) => {
          const seen = await sightingOf(call('GET', '/orders/' + ref));
          if (seen.value?.status === 'paid') seen.value.paid = amount;
          return seen;
        },\n`,
      ),
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  tells a part that was paid from the whole');
    expect(code).toBe(1);
  });
});

describe('the way of delivery of docs/drivers.md', () => {
  test('keeps the contract', async () => {
    const file = written('line.mjs', undefined, 'line.mjs');
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toContain('15 passed');
    expect(code).toBe(0);
  });

  test('is caught where it takes a lost answer for a yes', async () => {
    const file = written(
      'hopeful.mjs',
      (code) =>
        code.replace("end('the line was cut')", "end(words.join(' ').replace('EVENT', 'OK'))"),
      'line.mjs',
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  says “again” when a delivery is disturbed');
    expect(code).toBe(1);
  });
});

describe('a till that talks nonsense', () => {
  test.each([
    ['no number', 'LATER e1 soon\n', { is: 'again', said: 'LATER e1 soon', afterMs: 0 }],
    ['no end', 'x'.repeat(2_000), { is: 'again', said: 'its line is too long', afterMs: 0 }],
  ])('is understood to ask for another try: %s', async (_what, says, result) => {
    const file = written('line.mjs', undefined, 'line.mjs');
    const { driver } = (await import(pathToFileURL(file).href)) as {
      driver: TerminalDriverModule;
    };
    const server = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .write(says),
    );
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const clock = { wall: () => 0, after: () => () => {} };
    const line = driver.make({ timeoutMs: 1_000 }, { clock });
    const endpoint = { host: '127.0.0.1', port, pin: '1234' };
    const receiver = { endpointId: 'whk_1', settings: endpoint, secrets: [] };

    const event = { id: 'e1', type: 'bill.paid', body: new Uint8Array() };
    expect(await line.deliver(receiver, event)).toEqual(result);
    await new Promise((closed) => server.close(closed));
  });
});

describe('the format of docs/drivers.md', () => {
  test('keeps the contract', async () => {
    const file = written('format.mjs', undefined, 'format.mjs');
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).not.toContain('FAIL');
    expect(stdout).toContain('10 passed');
    expect(code).toBe(0);
  });

  test('is refused by a name of the switch’s own', async () => {
    const file = written(
      'taken.mjs',
      (code) => code.replace("name: 'meadow'", "name: 'url'"),
      'format.mjs',
    );
    const { code, stderr } = await qrswitch('driver', 'check', file);

    expect(stderr).toContain('url is a name of the switch’s own');
    expect(code).toBe(1);
  });

  test('is caught where it only looks how a text begins', async () => {
    const file = written(
      'trusting.mjs',
      (code) => code.replace(/^ *if \(at < 0 .*\n/m, ''),
      'format.mjs',
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  takes no code in which one character has been changed');
    expect(code).toBe(1);
  });

  test('is caught where its tag leaves out what it says', async () => {
    const file = written(
      'careless.mjs',
      (code) =>
        code.replaceAll('tag(said, 10)', 'tag(prefix, 10)').replace('text.slice(0, at)', 'prefix'),
      'format.mjs',
    );
    const { code, stdout } = await qrswitch('driver', 'check', file);

    expect(stdout).toContain('FAIL  takes no code in which one character has been changed');
    expect(code).toBe(1);
  });
});
