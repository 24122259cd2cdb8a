// Every parser, a fixed budget of inputs each. fast-check draws the choices and shrinks what it finds; a find is told
// with its tape, and belongs among the named cases in found.test.ts.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Choices } from './choices.ts';
import { targets } from './targets.ts';

const RUNS = 2_000;
const CHOICES_MAX = 300;

const tape = fc.array(fc.nat(0xffff_ffff), { maxLength: CHOICES_MAX, size: 'max' });

describe('a parser', () => {
  test.each(targets.map((target) => [target.name, target] as const))(
    'takes or refuses %s',
    (_name, target) => {
      fc.assert(
        fc.property(tape, (choices) => target.run(Choices.ofTape(choices))),
        { numRuns: RUNS },
      );
    },
    60_000,
  );

  test('stands here once', () => {
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });
});
