// Imports point down, and this test says so. The rules stand in .dependency-cruiser.mjs; the canary breaks each of
// them on purpose, since a checker that sees no files passes everything.

import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTypes from 'dependency-cruiser/config-utl/extract-ts-config';
import { beforeAll, describe, expect, test } from 'vitest';
import { filesUnder } from './support/files.ts';

const ROOT = process.cwd();

describe('the imports of src', () => {
  let result: ICruiseResult;
  beforeAll(async () => {
    result = await cruised(ROOT);
  });

  test('point down', () => {
    expect(violations(result)).toEqual([]);
  });

  test('are all seen: every file on the disk has been read', () => {
    const seen = result.modules.map((module) => module.source);
    const onDisk = filesUnder('src').filter((file) => file.endsWith('.ts'));

    expect(onDisk.length).toBeGreaterThan(12);
    expect(seen.filter((source) => source.startsWith('src/')).sort()).toEqual(onDisk.sort());
  });
});

describe('the canary', () => {
  let result: ICruiseResult;
  let rules: string[];
  beforeAll(async () => {
    result = await cruised(`${ROOT}/tests/canary`);
    rules = (result.summary.ruleSetUsed?.forbidden ?? []).map((rule) => rule.name ?? '');
  });

  test('is caught by every rule', () => {
    const caught = new Set(result.summary.violations.map((violation) => violation.rule.name));

    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter((rule) => !caught.has(rule))).toEqual([]);
  });

  test('is caught where only a type is imported', () => {
    expect(violations(result)).toContain(
      'layer-telemetry: src/telemetry/asks-the-switch.ts → src/switch/use-case.ts',
    );
  });

  test('is not caught in the file that breaks nothing', () => {
    expect(violations(result).filter((line) => line.includes(': src/domain/truth.ts'))).toEqual([]);
  });
});

async function cruised(baseDir: string): Promise<ICruiseResult> {
  const options = await extractOptions(`${ROOT}/.dependency-cruiser.mjs`);
  const { output } = await cruise(
    ['src'],
    { ...options, baseDir, validate: true },
    {},
    { tsConfig: extractTypes(`${ROOT}/tsconfig.json`) },
  );
  if (typeof output === 'string') throw new Error(output);
  return output;
}

/** One line a violation: the rule, who imports, and what. */
function violations(result: ICruiseResult): string[] {
  return result.summary.violations
    .map((violation) => `${violation.rule.name}: ${violation.from} → ${violation.to}`)
    .sort();
}
