// Options as an operator may get them wrong: every fault is told by the name of its option, none shows a password, and
// what comes out is frozen and within its bounds.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, ConfigError, readConfig, shownConfig } from '../../src/config.ts';
import { options } from '../../src/option-table.ts';
import type { Choices } from './choices.ts';
import { type Odd, oddKey, oddNumber, oddText, oddValue, put } from './odd-values.ts';
import { promise, type Target } from './target.ts';
import { jsonText } from './writers.ts';

const PASSWORD = 'hunter2-canary';
const KEYS = Object.keys(options) as (keyof typeof options)[];
const LIKELY = [
  '1',
  '0',
  '8',
  '1e3',
  ' 5',
  '0x10',
  '99999999999999999999',
  'true',
  'localhost',
  '::1',
  `redis://:${PASSWORD}@localhost:6379/0`,
  `postgres://me:${PASSWORD}@localhost:99999/db`,
  `postgres://me:${PASSWORD}@ho st/db`,
  `http://me:${PASSWORD}@pay.example/path?q#f`,
  'https://pay.example',
  'redis.appendfsync,postgres.fsync',
];

let file: string | null = null;

/** One file for all inputs of this process. */
function fileOf(content: string): string {
  if (file === null) {
    const folder = mkdtempSync(join(tmpdir(), 'qrswitch-fuzz-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    file = join(folder, 'config.json');
  }
  writeFileSync(file, content);
  return file;
}

function optionText(choices: Choices): string {
  return choices.chance(0.6) ? choices.pick(LIKELY) : oddText(choices);
}

function environment(choices: Choices): Record<string, string> {
  const env: Record<string, string> = {};
  for (let left = choices.below(5); left > 0; left--) {
    const isOption = choices.chance(0.9);
    const name = isOption ? options[choices.pick(KEYS)].env : `QRSWITCH_${oddKey(choices)}`;
    Object.defineProperty(env, name, {
      value: optionText(choices),
      enumerable: true,
      configurable: true,
    });
  }
  return env;
}

function fileArguments(choices: Choices): string[] {
  if (!choices.chance(0.3)) return [];
  const content: Record<string, Odd> = {};
  for (let left = choices.below(4); left > 0; left--) {
    const value = choices.chance(0.4)
      ? choices.pick(LIKELY)
      : choices.chance(0.5)
        ? oddNumber(choices)
        : oddValue(choices);
    put(content, choices.chance(0.9) ? choices.pick(KEYS) : oddKey(choices), value);
  }
  const text = jsonText(choices, choices.chance(0.1) ? oddValue(choices) : content);
  return [`--config=${fileOf(choices.chance(0.9) ? text : text.slice(1))}`];
}

function checkConfiguration(choices: Choices): void {
  const env = environment(choices);
  const argv = [...fileArguments(choices), ...(choices.chance(0.05) ? [oddText(choices)] : [])];
  const input = { env, argv };
  let config: Config;
  try {
    config = readConfig(env, argv, { cores: 2, hostname: 'host' });
  } catch (error) {
    promise(error instanceof ConfigError, `it threw ${String(error)}`, input);
    const { faults } = error as ConfigError;
    promise(faults.length > 0, 'no fault is named', input);
    const told = faults.filter((fault) => fault.includes(PASSWORD));
    promise(told.length === 0, 'a password is told', { told, input });
    return;
  }
  promise(Object.isFrozen(config), 'a configuration that may change', input);
  promise(config.workers >= 1 && config.workers <= config.shards, 'workers without shards', input);
  promise(config.port >= 0 && config.port <= 65_535, 'no port', input);
  const { databaseUrl, redisUrl, previousLogUrl, publicBaseUrl } = shownConfig(config);
  const shown = JSON.stringify([databaseUrl, redisUrl, previousLogUrl, publicBaseUrl]);
  promise(!shown.includes(PASSWORD), 'a password stands in the log', { shown, input });
}

export const configTargets: readonly Target[] = [
  { name: 'options of the environment and of a file', group: 'config', run: checkConfiguration },
];
