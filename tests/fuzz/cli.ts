// `npm run fuzz`: the parsers in this process, then the built switch over the wire, for as long as is asked.

import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { Choices } from './choices.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';
import { WIRE_KINDS, type WireKind, wireFuzz } from './wire/wire-fuzz.ts';

const GROUPS = [...new Set(targets.map(({ group }) => group))];
const HELP = `npm run fuzz -- [options]
  --minutes <n>   how long, half of it over the wire (default 2)
  --seed <n>      where to begin; a find tells its own
  --inputs <n>    at most so many of each parser or attacker (1 replays a find)
  --only <what>   ${[...GROUPS, ...WIRE_KINDS].join(', ')}
Over the wire it is the build in dist/ that is attacked.`;

/** Inputs between two looks at the clock. */
const TURN = 200;
const SHRINKS_MAX = 2_000;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string' },
      inputs: { type: 'string' },
      only: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const { only } = values;
  const parsers = targets.filter(({ group }) => only === undefined || only === group);
  const kinds = WIRE_KINDS.filter((kind) => only === undefined || only === kind);
  if (values.help === true || parsers.length + kinds.length === 0) {
    console.log(HELP);
    return values.help === true ? 0 : 2;
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const inputs = Number(values.inputs ?? Number.POSITIVE_INFINITY);
  const parts = Math.min(1, parsers.length) + Math.min(1, kinds.length);
  const partMs = (Number(values.minutes) * 60_000) / parts;
  console.log(`seed ${seed}`);
  if (!fuzzParsers(parsers, { seed, inputs, forMs: partMs })) return 1;
  return (await fuzzWire(kinds, { seed, inputs, forMs: partMs })) ? 0 : 1;
}

interface Budget {
  readonly seed: number;
  readonly inputs: number;
  readonly forMs: number;
}

/** In turns, so that all get the same number of inputs however long each takes. */
function fuzzParsers(parsers: readonly Target[], { seed, inputs, forMs }: Budget): boolean {
  const until = performance.now() + forMs;
  let done = 0;
  while (parsers.length > 0 && done < inputs && performance.now() < until) {
    const turn = Math.min(TURN, inputs - done);
    for (const target of parsers) {
      for (let i = 0; i < turn; i++) {
        if (!survives(target, seed + done + i)) return false;
      }
    }
    done += turn;
  }
  for (const { name } of parsers) console.log(`${String(done).padStart(9)}  ${name}`);
  if (parsers.length > 0)
    console.log(`${done * parsers.length} inputs of parsers: all promises kept`);
  return true;
}

function survives(target: Target, seed: number): boolean {
  const choices = Choices.ofSeed(seed);
  try {
    target.run(choices);
    return true;
  } catch (error) {
    console.log(`BROKEN: ${target.name}\n${String(error)}`);
    console.log(`replay: npm run fuzz -- --only ${target.group} --seed ${seed} --inputs 1`);
    console.log(`smallest: ${smallest(target, choices.taken)}`);
    return false;
  }
}

/** fast-check shrinks the tape that led here. */
function smallest(target: Target, tape: readonly number[]): string {
  const whole = fc.array(fc.nat(0xffff_ffff), { maxLength: Math.max(1, tape.length) });
  const { counterexample, errorInstance } = fc.check(
    fc.property(whole, (part) => target.run(Choices.ofTape(part))),
    { examples: [[[...tape]]], numRuns: 1, maxSkipsPerRun: SHRINKS_MAX },
  );
  return `${JSON.stringify(counterexample?.[0])}\n${String(errorInstance)}`;
}

async function fuzzWire(kinds: readonly WireKind[], budget: Budget): Promise<boolean> {
  if (kinds.length === 0) return true;
  try {
    const counts = await wireFuzz(kinds, { ...budget, tell: (line) => console.log(line) });
    let sum = 0;
    for (const [what, count] of counts) {
      console.log(`${String(count).padStart(9)}  ${what}`);
      sum += count;
    }
    console.log(`${sum} inputs over the wire: all promises kept`);
    return true;
  } catch (error) {
    console.log(`BROKEN: ${(error as Error).message}`);
    return false;
  }
}
