// docs/use-cases tells what the switch is used for. Each story's script is played against a running switch; its page
// has the same commands, and shows what they print.

import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { showOutputOnFailure } from '../support/failure-output.ts';
import { postgresAlone } from '../support/set-ups.ts';
import { DIST } from '../support/switch-process.ts';
import { World } from '../support/world.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'docs/use-cases';
const PLAYED_WITHIN_MS = 100_000;

const stories = readdirSync(join(PROJECT, FOLDER))
  .filter((file) => /^\d.*\.md$/.test(file))
  .map((file) => ({ name: file.slice(0, -'.md'.length), page: read(file) }));

describe('a use case', () => {
  let world: World;
  let desk: string;

  beforeAll(async () => {
    desk = mkdtempSync(join(tmpdir(), 'qrswitch-stories-'));
    world = await World.start(postgresAlone);
  });
  afterAll(async () => {
    rmSync(desk, { recursive: true, force: true });
    await world?.stop();
  });
  beforeEach(() => showOutputOnFailure(() => world?.process));

  test('has a page and a place in the list, from the first to the eighth', () => {
    const list = [...read('README.md').matchAll(/^\| \d \| \[.*?\]\((.*?)\.md\)/gm)];
    expect(stories.map(({ name }) => Number(name.split('-')[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(list.map(([, name]) => name)).toEqual(stories.map(({ name }) => name));
  });

  describe.each(stories)('$name', ({ name, page }) => {
    const script = `${FOLDER}/${name}.sh`;

    test('has on its page the commands of its script, all of them', () => {
      expect(commandsIn(blocks(page, 'sh').join(''))).toEqual(commandsIn(read(`${name}.sh`)));
      expect(page.replaceAll('\n', ' ')).toContain(`sh ${script}`);
    });

    test('prints what its page shows', async () => {
      const { stdout } = await promisify(execFile)('sh', [script], {
        cwd: PROJECT,
        timeout: PLAYED_WITHIN_MS,
        env: {
          PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
          TMPDIR: desk,
          QRSWITCH_DATA_DIR: world.process.dataDir,
          QRSWITCH_DIST: DIST,
        },
      });
      const printed = stdout.replaceAll(/^# .*\n/gm, '');
      expect(printed.replaceAll('\u00a0', ' ')).toMatch(asShown(blocks(page, 'text').join('')));
    });
  });
});

function read(file: string): string {
  return readFileSync(join(PROJECT, FOLDER, file), 'utf8');
}

function blocks(page: string, language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...page.matchAll(fenced)].map(([, block = '']) => block);
}

/** What is typed: neither comments nor what a script tells between its commands. */
function commandsIn(shell: string): string[] {
  return shell.split('\n').filter((line) => line !== '' && !/^(?:#|say |set -eu$)/.test(line));
}

/** An ellipsis stands for anything in its line; in a line of its own, for any lines. */
function asShown(text: string): RegExp {
  const lines = text.split('\n').map((line) => {
    if (line === '…') return '(?:.*\n)*?';
    return `${line.split('…').map(escaped).join('.*')}\n`;
  });
  return new RegExp(`^${lines.join('').replace(/\n$/, '')}$`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
