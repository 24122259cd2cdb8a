import { describe, expect, test } from 'vitest';
import { claimOf } from '../../../tests/support/qr-claims.ts';
import type { QrCapabilities } from '../contract/qr-driver.ts';
import type { Asked } from '../host/hosted-process.ts';
import { type AskFormat, hostedFormats } from './hosted-formats.ts';

/** 1,500 characters of two bytes each. */
const WIDE = `meadow:${'ж'.repeat(1_493)}`;

const capabilities: QrCapabilities = {
  usages: ['single'],
  openAmounts: [],
  currencies: ['EUR'],
  needs: ['sbpMember'],
  begins: ['meadow:'],
  lengthMax: 40,
};
const { billId } = claimOf();
const answered = (answer: unknown): Asked => ({ is: 'answered', answer });
const late: Asked = { is: 'unknown', why: 'the driver has not answered in 2000 ms' };

type Driver = (call: string) => Asked;
const issuing =
  (payload: string, reading: Asked): Driver =>
  (call) =>
    call === 'issue' ? answered({ payload }) : reading;

/** Formats whose drivers answer so, by name; whom was asked what, and what was told of them. */
function formats(
  answers: Readonly<Record<string, Asked | Driver>>,
  of: Partial<QrCapabilities> = {},
) {
  const asked: string[] = [];
  const refused: string[] = [];
  const loaded = Object.keys(answers).map((name) => ({
    name,
    capabilities: { ...capabilities, ...of },
  }));
  const ask: AskFormat = async (name, call) => {
    asked.push(`${call} ${name}`);
    const answer = answers[name] ?? late;
    return typeof answer === 'function' ? answer(call) : answer;
  };
  const hosted = hostedFormats(loaded, ask, (name, why) => refused.push(`${name} gave ${why}`));
  return { hosted, asked, refused };
}

describe('a format of a loaded driver', () => {
  test('is issued as the driver says', async () => {
    const { hosted, refused } = formats({ meadow: issuing('meadow:1', answered({ billId })) });

    expect(await hosted.issue('meadow', claimOf())).toEqual({ payload: 'meadow:1' });
    expect(refused).toEqual([]);
  });

  test.each([
    ['another bill', answered({ billId: `${billId.slice(0, 25)}9` })],
    ['a changed code', answered('tampered')],
    ['nobody’s code', answered('foreign')],
  ])('is no code of the bill where its own driver reads it as %s', async (_what, reading) => {
    const { hosted, refused } = formats({ meadow: issuing('meadow:1', reading) });

    expect(await hosted.issue('meadow', claimOf())).toEqual({
      away: 'The driver meadow gave a text that it does not read as this bill.',
    });
    expect(refused).toEqual(['meadow gave a text that it does not read as this bill']);
  });

  test('is not handed out where its driver cannot be asked what it reads', async () => {
    const { hosted } = formats({ meadow: issuing('meadow:1', late) });

    expect(await hosted.issue('meadow', claimOf())).toEqual({
      away: expect.stringContaining('could not be asked, or has not'),
    });
  });

  test.each([
    ['another currency', claimOf({ currency: 'RUB' }), 'It carries EUR'],
    ['many payments', claimOf({ usage: 'many' }), 'no codes for many payments'],
    ['an open amount', claimOf({ amount: null }), 'name their amount'],
    ['no member number', claimOf({}, { sbpMember: null }), 'does not say its sbpMember'],
  ])('is not even asked for %s, where it says that it has none', async (_what, claim, said) => {
    const { hosted, asked } = formats({ meadow: answered({ payload: 'meadow:1' }) });

    expect(await hosted.issue('meadow', claim)).toEqual({ unfit: expect.stringContaining(said) });
    expect(asked).toEqual([]);
  });

  test.each([
    ['is late', late, 'could not be asked, or has not'],
    [
      'gives a text that begins otherwise',
      answered({ payload: 'https://x.example' }),
      'none of its',
    ],
    ['gives a text that is too long', answered({ payload: `meadow:${'1'.repeat(40)}` }), 'none of'],
    ['gives a text that no store keeps', answered({ payload: 'meadow:\u0000' }), 'none of'],
  ])('is away where its driver %s', async (_how, answer, said) => {
    const { hosted } = formats({ meadow: answer });

    expect(await hosted.issue('meadow', claimOf())).toEqual({
      away: expect.stringContaining(said),
    });
  });

  test('says why it is unfit in words that can be kept', async () => {
    const { hosted } = formats({ meadow: answered({ unfit: 'no\ud83d' }) });

    expect(await hosted.issue('meadow', claimOf())).toEqual({ unfit: 'no\ufffd' });
  });

  test('is away where its text has more bytes than any code has room for', async () => {
    const { hosted } = formats({ meadow: answered({ payload: WIDE }) }, { lengthMax: 2_000 });

    expect(await hosted.issue('meadow', claimOf())).toEqual({
      away: expect.stringContaining('none of'),
    });
  });

  test('is read by those whose texts begin so, and by nobody else', async () => {
    const { hosted, asked } = formats({ meadow: answered({ billId }), brook: answered('foreign') });

    expect(hosted.read('https://pay.example')).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await hosted.read(' meadow:1\n')).toEqual({ billId });
    expect(asked).toEqual(['read meadow', 'read brook']);
  });

  test.each([
    [[answered('foreign'), answered('tampered')], 'tampered'],
    [[late, answered('tampered')], 'tampered'],
    [[late, answered('foreign')], { away: expect.stringContaining('brook') }],
    [[answered('foreign'), answered('foreign')], 'foreign'],
    [[answered({ billId: 'I'.repeat(26) }), answered('foreign')], 'tampered'],
  ] as const)(
    'is no code of anybody only where all say so: %#',
    async ([brook, meadow], reading) => {
      const { hosted } = formats({ brook, meadow });

      expect(await hosted.read('meadow:1')).toEqual(reading);
    },
  );
});
