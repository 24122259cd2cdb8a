import { describe, expect, test } from 'vitest';
import { selfTimes, stacksOf } from './profile.ts';

const frame = (functionName: string, url: string) => ({
  functionName,
  url,
  lineNumber: 4,
  columnNumber: 0,
});

const profile = {
  nodes: [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 5, 6] },
    { id: 2, callFrame: frame('outer', 'file:///project/src/switch/shard.ts'), children: [3, 4] },
    { id: 3, callFrame: frame('outer', 'file:///project/src/switch/shard.ts'), children: [] },
    {
      id: 4,
      callFrame: frame('pack', 'file:///project/node_modules/msgpackr/pack.js'),
      children: [],
    },
    { id: 5, callFrame: frame('(idle)', ''), children: [] },
    { id: 6, callFrame: frame('(garbage collector)', ''), children: [] },
  ],
  samples: [2, 3, 4, 5, 6],
  timeDeltas: [10, 20, 30, 1_000, 40],
};

describe('the times of a profile', () => {
  const { busyUs, byFunction, byCaller, byFile } = selfTimes(profile);

  test('leave out what was idle', () => {
    expect(busyUs).toBe(100);
  });

  test('stand by function, by file and by library', () => {
    expect(byFunction.get('outer switch/shard.ts:5')).toBe(30);
    expect(byFile.get('switch/shard.ts')).toBe(30);
    expect(byFile.get('msgpackr')).toBe(30);
    expect(byFile.get('(garbage collector)')).toBe(40);
  });

  test('count a function that calls itself once, with what it called', () => {
    expect(byCaller.get('outer switch/shard.ts:5')).toBe(60);
  });
});

describe('the stacks of a profile', () => {
  test('stand outermost first, without what was idle', () => {
    const names = stacksOf(profile).map(({ frames, us }) => [
      us,
      ...frames.map(({ name }) => name.split(' ')[0]),
    ]);
    expect(names).toEqual([
      [10, 'outer'],
      [20, 'outer', 'outer'],
      [30, 'outer', 'pack'],
      [40, '(garbage'],
    ]);
  });

  test('tell ours from libraries and from V8', () => {
    const kinds = stacksOf(profile).map(({ frames }) => frames.at(-1)?.kind);
    expect(kinds).toEqual(['ours', 'ours', 'library', 'native']);
  });
});
