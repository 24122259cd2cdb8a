// Alerts, runbooks and dashboards speak of metrics that exist, and every alert has its runbook.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { options } from '../src/option-table.ts';
import { families } from '../src/telemetry/families.ts';
import { filesUnder } from './support/files.ts';

const alerts = readFileSync('ops/alerts.yaml', 'utf8');
const runbooks = filesUnder('docs/runbooks');
const papers = ['ops/alerts.yaml', 'ops/grafana/qrswitch.json', 'README.md', ...runbooks];

describe('an alert', () => {
  test('has its runbook, and a runbook its alert', () => {
    const named = [...alerts.matchAll(/runbook: (\S+)/g)].map((match) => match[1]);

    expect(named.length).toBe([...alerts.matchAll(/- alert: /g)].length);
    expect(named.length).toBeGreaterThan(10);
    expect([...runbooks].sort()).toEqual(named.sort());
  });
});

describe('a paper for operators', () => {
  test('names only metrics that the switch has', () => {
    const known = Object.values(families).flatMap(({ name, type }) =>
      type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    );
    const named = papers.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\bqrswitch_[a-z_]+[a-z]/g)].map((match) => match[0]),
    );

    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('names only options that the switch has', () => {
    const known = [
      ...Object.values(options).map((option) => option.env),
      'QRSWITCH_CONFIG',
      'QRSWITCH_KEY',
    ];
    const named = [...papers, 'ops/compose.yaml', 'ops/Dockerfile'].flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\bQRSWITCH_[A-Z_]+[A-Z]/g)].map((match) => match[0]),
    );

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('shows every metric on the dashboard', () => {
    const dashboard = readFileSync('ops/grafana/qrswitch.json', 'utf8');

    expect(Object.values(families).filter(({ name }) => !dashboard.includes(name))).toEqual([]);
  });
});

describe('compose.yaml', () => {
  test('starts Redis as the switch demands it', () => {
    const compose = readFileSync('ops/compose.yaml', 'utf8')
      .replaceAll(/\s+- |["']/g, ' ')
      .replaceAll(/\s+/g, ' ');

    for (const flag of [
      '--appendonly yes',
      '--appendfsync always',
      '--no-appendfsync-on-rewrite no',
      '--maxmemory-policy noeviction',
    ]) {
      expect(compose).toContain(flag);
    }
  });
});

describe('docs/decisions/dependencies.md', () => {
  test('has a sentence for every dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const page = readFileSync('docs/decisions/dependencies.md', 'utf8');

    expect(
      Object.keys({ ...dependencies, ...devDependencies })
        .filter((name) => !name.startsWith('@types/'))
        .filter((name) => !page.includes(`| \`${name}\` |`)),
    ).toEqual([]);
  });
});
