// Where figures go: Markdown for people, JSON for programs, plots. Only bench/results/reference/ is committed.

import { mkdirSync, writeFileSync } from 'node:fs';

const RESULTS = new URL('../../results/', import.meta.url);

export interface Plot {
  readonly name: string;
  readonly svg: string;
}

/** Writes what a subcommand found, and shows the text. */
export function publishResults(
  subcommand: string,
  found: { text: string; json: object; plots: readonly Plot[] },
): void {
  mkdirSync(RESULTS, { recursive: true });
  const stamp = `${subcommand}-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  const plots = found.plots.map(({ name, svg }) => {
    const file = `${stamp}-${name}.svg`;
    writeFileSync(new URL(file, RESULTS), svg);
    return file;
  });
  const pictures = plots.map((file) => `![${file}](${file})`).join('\n\n');
  writeFileSync(
    new URL(`${stamp}.json`, RESULTS),
    `${JSON.stringify({ plots, ...found.json }, null, 2)}\n`,
  );
  writeFileSync(new URL(`${stamp}.md`, RESULTS), `${found.text}\n\n${pictures}\n`);
  const files = [`${stamp}.md`, `${stamp}.json`, ...plots];
  process.stdout.write(`\n${found.text}\n\n${files.map((f) => `bench/results/${f}`).join('\n')}\n`);
}
