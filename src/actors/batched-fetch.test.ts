import { describe, expect, test } from 'vitest';
import { settled } from '../../tests/support/manual-clock.ts';
import { BatchedFetch, type Fetched } from './batched-fetch.ts';

interface Question {
  readonly keys: readonly string[];
  readonly answer: (values: readonly string[]) => void;
  readonly fail: (error: Error) => void;
}

function stand(batchMax = 10) {
  const questions: Question[] = [];
  const heard: [string, Fetched<string>][] = [];
  let rounds = 0;
  const fetch = new BatchedFetch<string, string>({
    batchMax,
    settled: () => {
      rounds += 1;
    },
    fetch: (keys) =>
      new Promise((answer, fail) => {
        questions.push({ keys, answer, fail });
      }),
  });
  const want = (key: string): void => fetch.want(key, (fetched) => heard.push([key, fetched]));
  return { fetch, want, questions, heard, settledCount: () => rounds };
}

describe('a batched fetch', () => {
  test('asks all that was wanted in one question, and answers in the order asked', async () => {
    const { fetch, want, questions, heard } = stand();
    want('a');
    want('b');
    fetch.flush();
    expect(questions.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    questions[0]?.answer(['A', 'B']);
    await settled();
    expect(heard).toEqual([
      ['a', { found: 'A' }],
      ['b', { found: 'B' }],
    ]);
  });

  test('asks nothing while a question is under way; what is wanted meanwhile goes with the next', async () => {
    const { fetch, want, questions, settledCount } = stand();
    want('a');
    fetch.flush();
    want('b');
    want('c');
    fetch.flush();
    expect(questions).toHaveLength(1);
    expect(fetch.depth).toBe(2);
    questions[0]?.answer(['A']);
    await settled();
    expect(questions[1]?.keys).toEqual(['b', 'c']);
    expect(settledCount()).toBe(1);
  });

  test('asks no more keys at a time than it may', async () => {
    const { fetch, want, questions } = stand(2);
    for (const key of ['a', 'b', 'c']) want(key);
    fetch.flush();
    expect(questions[0]?.keys).toEqual(['a', 'b']);
    questions[0]?.answer(['A', 'B']);
    await settled();
    expect(questions[1]?.keys).toEqual(['c']);
  });

  test('tells everybody of a failure, once, and goes on', async () => {
    const { fetch, want, questions, heard } = stand();
    want('a');
    want('b');
    fetch.flush();
    const error = new Error('away');
    questions[0]?.fail(error);
    await settled();
    expect(heard).toEqual([
      ['a', { failed: error }],
      ['b', { failed: error }],
    ]);
    want('c');
    fetch.flush();
    expect(questions[1]?.keys).toEqual(['c']);
  });

  test('takes an answer that is too short for a failure of what it leaves out', async () => {
    const { fetch, want, questions, heard } = stand();
    want('a');
    want('b');
    fetch.flush();
    questions[0]?.answer(['A']);
    await settled();
    expect(heard[0]?.[1]).toEqual({ found: 'A' });
    expect(heard[1]?.[1]).toHaveProperty('failed');
  });
});
