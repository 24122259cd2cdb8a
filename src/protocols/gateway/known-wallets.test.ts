import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import type { InstitutionId } from '../../domain/ids.ts';
import type { WalletNames } from '../../switch/directory.ts';
import { KnownWallets } from './known-wallets.ts';

const bank = 'ins_1' as InstitutionId;
const named = (...names: string[]): WalletNames => ({ names, isMore: false });

function makeKnown() {
  const clock = new ManualClock();
  const questions: { answer(wallets: WalletNames): void; fail(error?: Error): void }[] = [];
  const told: object[] = [];
  const wallets = {
    payingFor: () =>
      new Promise<WalletNames>((answer, failed) => {
        const fail = (error = new Error('the directory is away')): void => failed(error);
        questions.push({ answer, fail });
      }),
  };
  const log = { error: (fields: object) => told.push(fields) };
  return { clock, questions, told, known: new KnownWallets({ wallets, clock, log }) };
}

describe('the wallets of an institution', () => {
  test('are asked for once a minute, however many look', async () => {
    const { clock, questions, known } = makeKnown();
    const first = Array.from({ length: 100 }, () => known.of(bank));
    expect(questions).toHaveLength(1);
    questions[0]?.answer(named('Green'));
    expect(new Set(await Promise.all(first))).toEqual(new Set([named('Green')]));

    clock.advance(59_000);
    await known.of(bank);
    expect(questions).toHaveLength(1);

    clock.advance(1_000);
    expect(await known.of(bank)).toEqual(named('Green'));
    questions[1]?.answer(named('Blue'));
    await expect.poll(() => known.of(bank)).toEqual(named('Blue'));
    expect(questions).toHaveLength(2);
  });

  test('are left out where the directory does not answer in time, and shown once it has', async () => {
    const { clock, questions, known } = makeKnown();
    const looked = known.of(bank);
    clock.advance(1_000);
    expect(await looked).toEqual(named());
    questions[0]?.answer(named('Green'));
    expect(await known.of(bank)).toEqual(named('Green'));
  });

  test('are those that were known while the directory is away, which is asked again in seconds', async () => {
    const { clock, questions, known } = makeKnown();
    const looked = known.of(bank);
    questions[0]?.fail();
    expect(await looked).toEqual(named());
    expect(await known.of(bank)).toEqual(named());
    expect(questions).toHaveLength(1);

    clock.advance(5_000);
    const again = known.of(bank);
    questions[1]?.answer(named('Green'));
    expect(await again).toEqual(named('Green'));
    clock.advance(60_000);
    void known.of(bank);
    questions[2]?.fail();
    expect(await known.of(bank)).toEqual(named('Green'));
  });

  test('are shown without the names where a mistake of ours keeps them, and that is told', async () => {
    const { questions, told, known } = makeKnown();
    const looked = [known.of(bank), known.of('ins_2' as InstitutionId)];
    questions[0]?.fail(new TypeError('planted'));
    questions[1]?.fail();
    expect(await Promise.all(looked)).toEqual([named(), named()]);
    expect(told).toMatchObject([{ what: 'directory.defect', reason: 'planted' }]);
  });

  test('are kept of a bounded number of institutions', async () => {
    const { questions, known } = makeKnown();
    for (let no = 0; no <= 1_000; no++) {
      const looked = known.of(`ins_${no}` as InstitutionId);
      questions[no]?.answer(named(`${no}`));
      await looked;
    }
    void known.of('ins_1000' as InstitutionId);
    expect(questions).toHaveLength(1_001);
    void known.of('ins_0' as InstitutionId);
    expect(questions).toHaveLength(1_002);
  });
});
