// Our own bans: what a layer check cannot see and a linter does not know. Each row says what is banned, where it is
// allowed, what to use instead, and gives a line that it must catch, so that no pattern is blind.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filesUnder } from './support/files.ts';

interface Ban {
  readonly pattern: RegExp;
  /** Files that the ban is for. */
  readonly where: RegExp;
  /** Files among them where it is allowed. */
  readonly allowed?: RegExp;
  readonly instead: string;
  /** A line that the pattern must catch. */
  readonly caught: string;
}

const CORE = /^src\/(domain|actors|switch)\//;
const SRC = /^src\//;
const TESTS = /\.test\.ts$/;
const CODE = /\.(ts|mjs|js|sql|lua)$/;
/** This file spells what it bans. */
const THIS = /^tests\/tidy\.test\.ts$/;

const bans: readonly Ban[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bprocess\.hrtime\b/,
    where: CORE,
    instead: 'the Clock port, or a time given as an argument: the core must run the same twice',
    caught: 'const at = Date.now();',
  },
  {
    pattern: /\bMath\.random\(|\brandomBytes\(|\brandomUUID\(/,
    where: CORE,
    instead: 'random bytes given as an argument or by a port: the core must run the same twice',
    caught: 'const id = Math.random();',
  },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate)\(/,
    where: CORE,
    instead: 'Clock.after: a simulation has its own time',
    caught: 'setTimeout(() => retry(), 100);',
  },
  {
    pattern: /\bprocess\.env\b/,
    where: SRC,
    // A driver's process has of the environment what it needs, and nothing of ours.
    allowed: /^src\/(config(\.test)?|drivers\/host\/(driver-life|host-driver\.test))\.ts$/,
    instead: 'an option in the table of src/option-table.ts, handed down as an argument',
    caught: 'const level = process.env.LEVEL;',
  },
  {
    pattern: /\bas any\b/,
    where: /^(src|tests|bench)\//,
    instead: 'a parse function that turns unknown into the type, or the right type',
    caught: 'const bill = row as any;',
  },
  {
    pattern: /@ts-(ignore|nocheck)\b/,
    where: /^(src|tests|bench|scripts)\//,
    instead: '@ts-expect-error with its reason, which fails once it is no longer needed',
    caught: '// @ts-ignore',
  },
  {
    pattern: /\bselect\s+\*/i,
    where: SRC,
    allowed: TESTS,
    instead: 'the columns by name: a column added later must not change an answer',
    caught: 'SELECT * FROM bills',
  },
  {
    pattern: /\bconsole\./,
    where: SRC,
    allowed: /^src\/cli\/|\.test\.ts$/,
    instead:
      'the logger that is passed in (src/telemetry/log.ts); only the command line speaks to people',
    caught: "console.log('paid');",
  },
  {
    pattern: /\b(TODO(?!\(#\d+\))|FIXME|XXX|HACK)\b/,
    where: /./,
    instead: 'an issue, and TODO(#number) where the code must point to it',
    caught: '// TODO: later',
  },
  {
    pattern: /\b(test|describe|it)(\.\w+)*\.(only|skip|todo|fails)\(/,
    where: TESTS,
    instead: 'a test that runs, or none: skipIf may leave out what this machine cannot do',
    caught: "test.only('pays', () => {});",
  },
  {
    pattern: /\bretry:\s*[1-9]/,
    where: /(^|\/)vitest\.config\.ts$|\.test\.ts$/,
    instead: 'the reason why it failed the first time',
    caught: 'retry: 2,',
  },
  {
    // In two halves each, so that this table does not catch itself when it is searched for.
    pattern: new RegExp(
      [
        '/wo' + 'rk/',
        '/ho' + 'me/[a-z]',
        '/ro' + 'ot/',
        '\\bsha' + 'red/[A-Z]',
        '/Us' + 'ers/',
      ].join('|'),
    ),
    where: /./,
    instead: 'a path relative to the project, or one that the operator gives',
    caught: ['cd /wo', 'rk/main'].join(''),
  },
  {
    pattern: new RegExp(
      [
        '\\bCla' + 'ude\\b',
        '\\bAnth' + 'ropic\\b',
        '\\bChat' + 'GPT\\b',
        '\\bCopi' + 'lot\\b',
      ].join('|'),
      'i',
    ),
    where: /./,
    instead: 'nothing: what wrote a line is not part of the product',
    caught: ['written by Cla', 'ude'].join(''),
  },
];

const FILE_LINES_MAX = 400;

/** Longer, and why it is one file all the same. */
const LONGER: Readonly<Record<string, string>> = {
  'src/domain/bill/vocabulary.ts': 'the words of a bill: types alone, read from top to bottom',
  'src/protocols/problems.ts': 'every way to say no: one table, read from top to bottom',
};

const files = [
  ...['src', 'tests', 'bench', 'scripts', 'ops', 'docs', '.ci'].flatMap(filesUnder),
  'README.md',
  'package.json',
  'start',
  'vitest.config.ts',
]
  .filter((file) => !/^(tests\/canary|bench\/(results|dist))\//.test(file))
  .map((path) => ({ path, lines: readFileSync(path, 'utf8').split('\n') }));

describe('a banned pattern', () => {
  for (const ban of bans) {
    test(`${ban.pattern.source.slice(0, 60)} stands nowhere`, () => {
      const found = files
        .filter(({ path }) => ban.where.test(path) && !ban.allowed?.test(path) && !THIS.test(path))
        .flatMap(({ path, lines }) =>
          lines.flatMap((line, at) =>
            ban.pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [],
          ),
        );

      expect(found, `use instead: ${ban.instead}`).toEqual([]);
    });
  }

  test('is caught in the line that shows it', () => {
    expect(bans.filter((ban) => !ban.pattern.test(ban.caught)).map((ban) => ban.caught)).toEqual(
      [],
    );
  });
});

describe('the files that are searched', () => {
  test('are there: the source, the tests, the papers', () => {
    const paths = files.map(({ path }) => path);

    expect(paths.filter((path) => SRC.test(path) && CODE.test(path)).length).toBeGreaterThan(12);
    expect(paths).toEqual(expect.arrayContaining(['README.md', 'src/config.ts', 'ops/Dockerfile']));
  });
});

describe('a source file', () => {
  test(`has at most ${FILE_LINES_MAX} lines, or it is two files`, () => {
    const long = files
      .filter(({ path }) => SRC.test(path) && CODE.test(path) && !TESTS.test(path))
      .filter(({ path, lines }) => lines.length - 1 > FILE_LINES_MAX && !(path in LONGER))
      .map(({ path, lines }) => `${path}: ${lines.length - 1} lines`);

    expect(long).toEqual([]);
  });
});
