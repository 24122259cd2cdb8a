import { describe, expect, test } from 'vitest';
import { KeyQuestions } from './key-questions.ts';

function setUp(atOnce: number) {
  const asked: (readonly string[])[] = [];
  const answers: { tell(): void; fail(): void }[] = [];
  const questions = new KeyQuestions((keyHashes) => {
    asked.push(keyHashes);
    return new Promise((done, fail) => {
      // Of the others nothing is known.
      const holders = keyHashes.map((hash) => (hash === 'nobody' ? null : holderNamed(hash)));
      answers.push({ tell: () => done(holders), fail: () => fail(new Error('away')) });
    });
  }, atOnce);
  return { asked, answers, questions };
}

function holderNamed(keyId: string) {
  return { keyId, expiresAt: null, principal: {} as never };
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('questions for keys', () => {
  test('are one for all that is wanted within a turn, and each is told its own', async () => {
    const { asked, answers, questions } = setUp(1);
    const wanted = Promise.all(['a', 'nobody', 'b', 'a'].map((hash) => questions.ask(hash)));
    await turn();
    answers[0]?.tell();
    const found = await wanted;
    expect(asked).toEqual([['a', 'nobody', 'b', 'a']]);
    expect(found.map((holder) => holder?.keyId ?? null)).toEqual(['a', null, 'b', 'a']);
  });

  test('are so many at once; what is wanted meanwhile goes with the next', async () => {
    const { asked, answers, questions } = setUp(2);
    for (const hash of ['a', 'b', 'c', 'd']) {
      void questions.ask(hash);
      await turn();
    }
    expect(asked).toEqual([['a'], ['b']]);
    answers[0]?.tell();
    await turn();
    expect(asked).toEqual([['a'], ['b'], ['c', 'd']]);
  });

  test('have a bound, so that nobody waits for a whole crowd', async () => {
    const { asked, answers, questions } = setUp(1);
    const wanted = Array.from({ length: 1_300 }, (_, i) => questions.ask(`hash ${i}`));
    for (let i = 0; i < 3; i++) {
      await turn();
      answers[i]?.tell();
    }
    const found = await Promise.all(wanted);
    expect(asked.map(({ length }) => length)).toEqual([512, 512, 276]);
    expect(found[1_299]?.keyId).toBe('hash 1299');
  });

  test('fail for those alone who have asked them', async () => {
    const { answers, questions } = setUp(1);
    const failing = expect(questions.ask('a')).rejects.toThrow('away');
    await turn();
    const later = questions.ask('b');
    answers[0]?.fail();
    await failing;
    await turn();
    answers[1]?.tell();
    expect(await later).toMatchObject({ keyId: 'b' });
  });
});
