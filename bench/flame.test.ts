import { describe, expect, test } from 'vitest';
import { blocksOf, drawFlames, type Frame } from './flame.ts';

const frame = (name: string): Frame => ({ name, kind: 'ours' });
const stacks = [
  { frames: [frame('receive'), frame('decide')], us: 30 },
  { frames: [frame('receive'), frame('encode')], us: 20 },
  { frames: [frame('receive'), frame('decide')], us: 40 },
  { frames: [frame('flush')], us: 10 },
];

describe('a flame graph', () => {
  const { blocks, totalUs } = blocksOf(stacks);
  const block = (name: string) => blocks.find((each) => each.frame.name === name);

  test('is as wide as all that was seen', () => {
    expect(totalUs).toBe(100);
    expect(block('all')).toMatchObject({ depth: 0, from: 0, us: 100 });
  });

  test('puts equal stacks together, and callees below their caller', () => {
    expect(block('decide')).toMatchObject({ depth: 2, us: 70 });
    expect(block('receive')).toMatchObject({ depth: 1, us: 90, from: 10 });
    expect(block('encode')).toMatchObject({ depth: 2, from: 80, us: 20 });
  });

  test('names its widest blocks', () => {
    const svg = drawFlames('A worker', stacks);
    for (const text of ['A worker', 'decide', 'flush']) expect(svg).toContain(text);
  });
});
