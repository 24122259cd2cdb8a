// docs/tariffs.md shows tariffs and what the command says about them; it says so, to the letter.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qrswitch } from './support/command-line.ts';

interface Example {
  readonly title: string;
  readonly tariff: string;
  readonly command: string;
  readonly output: string;
}

const PROMPT = '$ qrswitch ';

describe('the page about tariffs', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'qrswitch-tariffs-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const examples = examplesOf(readFileSync('docs/tariffs.md', 'utf8'));

  for (const { title, tariff, command, output } of examples) {
    test(`${title}: ${command} prints what stands there`, async () => {
      const file = join(folder, 'tariff.json');
      writeFileSync(file, tariff);
      const argv = command.split(' ').map((word) => (word === 'tariff.json' ? file : word));

      expect(await qrswitch(...argv)).toEqual({ code: 0, stdout: output, stderr: '' });
    });
  }

  test('has four tariffs, and five stays', () => {
    expect(new Set(examples.map(({ title }) => title)).size).toBe(4);
    expect(examples).toHaveLength(5);
  });
});

function examplesOf(page: string): Example[] {
  return page
    .split('\n## ')
    .slice(1)
    .flatMap((section) => {
      const title = section.slice(0, section.indexOf('\n'));
      const [tariff = ''] = blocks(section, 'json');
      return blocks(section, 'console').map((block) => {
        const [command = '', ...output] = block.slice(PROMPT.length).split('\n');
        return { title, tariff, command, output: output.join('\n') };
      });
    });
}

function blocks(text: string, language: string): string[] {
  const fenced = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g');
  return [...text.matchAll(fenced)].map(([, block = '']) => block);
}
