import { describe, expect, test } from 'vitest';
import { Caller, callOf, GaveUp } from './caller.ts';
import { type Answer, type Link, Lost } from './link.ts';
import { calm, chanceOf, WIRE_RATES, type WireRates } from './rates.ts';
import { Tally } from './tally.ts';

/** A link that gives these answers, one after the other; null: the connection breaks. */
function linkOf(answers: readonly (Answer | null)[]): Link & { readonly asked: string[] } {
  const left = [...answers];
  const asked: string[] = [];
  return {
    asked,
    ask: (op) => {
      asked.push(op);
      const answer = left.shift() ?? null;
      return answer === null ? Promise.reject(new Lost(op)) : Promise.resolve(answer);
    },
    close: () => undefined,
  };
}

function callerOf(links: readonly Link[], faults: Partial<WireRates> = {}, patienceMs = 10_000) {
  const tally = new Tally();
  const rates = { ...calm(WIRE_RATES), ...faults };
  return { tally, caller: new Caller({ links, rates, tally, patienceMs }) };
}

const of = { via: 0, random: chanceOf(1, 1) };
const payment = () => callOf('payment.create', { paymentRef: 'p-1', amount: 100 }, of);
const taken = (status: number, amount = 100): Answer => ({
  status,
  body: { payment: { id: 'b-p1', amount }, bill: { paid: amount } },
});
const refused = (code: string): Answer => ({ status: 409, body: { code } });

describe('a call', () => {
  test('is sent again until it is answered for good', async () => {
    const link = linkOf([null, { status: 503, body: {} }, { status: 429, body: {} }, taken(201)]);
    const { caller, tally } = callerOf([link]);

    expect(await caller.ask(payment())).toEqual(taken(201));
    expect(link.asked.length).toBe(4);
    expect(tally.calls()[0]?.answers).toEqual({ '201': 1, '429': 1, '503': 1, lost: 1 });
  });

  test('is given up by whoever has been patient', async () => {
    const { caller } = callerOf([linkOf([])], {}, 0);

    await expect(caller.ask(payment())).rejects.toThrow(GaveUp);
  });

  test('whose request is lost never leaves', async () => {
    const link = linkOf([taken(201)]);
    const { caller } = callerOf([link], { lostRequest: 1 });

    expect(await caller.once(payment())).toBeNull();
    await caller.quiet();
    expect(link.asked).toEqual([]);
  });

  test('whose answer is lost has had its effect, and the answer still counts', async () => {
    const link = linkOf([taken(201), taken(200, 99)]);
    const { caller, tally } = callerOf([link], { lostAnswer: 1 });
    const call = payment();

    expect(await caller.once(call)).toBeNull();
    expect(await caller.once(call)).toBeNull();
    await caller.quiet();
    expect(tally.contradictions).toEqual([expect.stringContaining('"amount":99')]);
  });

  test('that is doubled goes by another link, and both answers agree', async () => {
    const [one, other] = [linkOf([taken(201)]), linkOf([taken(200)])];
    const { caller, tally } = callerOf([one, other], { duplicate: 1 });

    await caller.ask(payment());
    await caller.quiet();
    expect([one.asked.length, other.asked.length]).toEqual([1, 1]);
    expect(tally.contradictions).toEqual([]);
  });

  test.each([
    ['taken, then refused', [taken(201), refused('bill.notPayable')]],
    ['refused, then taken', [refused('bill.notPayable'), taken(201)]],
    ['refused for two reasons', [refused('bill.notPayable'), refused('payment.void')]],
    ['taken for two amounts', [taken(201), taken(200, 101)]],
  ])('%s is a contradiction', async (_what, answers) => {
    const { caller, tally } = callerOf([linkOf(answers)]);
    const call = payment();

    await caller.once(call);
    await caller.once(call);
    expect(tally.contradictions.length).toBe(1);
  });

  test('is no contradiction to what was not for good', async () => {
    const { caller, tally } = callerOf([
      linkOf([taken(201), { status: 503, body: {} }, null, taken(200)]),
    ]);
    const call = payment();

    for (let time = 0; time < 4; time++) await caller.once(call);
    expect(tally.contradictions).toEqual([]);
  });
});
