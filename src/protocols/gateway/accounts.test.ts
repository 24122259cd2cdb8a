import { describe, expect, test } from 'vitest';
import { institutionId } from '../../../tests/support/bill-fixtures.ts';
import { ManualClock } from '../../../tests/support/manual-clock.ts';
import { type LimitSettings, type Limits, UNLIMITED } from '../../switch/limits.ts';
import type { Principal } from '../../switch/principal.ts';
import { Accounts } from './accounts.ts';

const RATE_OF_TEN: Limits = { requestsPerSecond: 10, burst: 10, sockets: null };

function holder(id: string): Principal {
  return {
    kind: 'terminal',
    id,
    institutionId,
    merchantId: null,
    merchant: null,
    restricted: false,
    subscribed: false,
  };
}
const [first, second] = [holder('ter_1'), holder('ter_2')];

function open(parties: { holder?: Limits; institution?: Limits } = {}, isShared = false) {
  const clock = new ManualClock();
  const refused: string[] = [];
  const accounts = new Accounts({
    clock,
    isShared,
    limits: { parties: { holder: UNLIMITED, institution: UNLIMITED, ...parties } },
    metrics: { limited: (limit) => refused.push(limit) },
  });
  const set = (
    principal: Principal,
    limits?: Partial<Record<'holder' | 'institution', LimitSettings>>,
  ) =>
    accounts.learn({
      keyId: 'key_1',
      expiresAt: null,
      principal,
      ...(limits && { limits: { holder: {}, institution: {}, ...limits } }),
    });
  const taken = (principal: Principal, times: number, operation = 'bill.create'): number =>
    Array.from({ length: times }, () => accounts.take(principal, operation)).filter(
      (problem) => problem === null,
    ).length;
  return { clock, accounts, refused, set, taken };
}

describe('the account of a holder', () => {
  test('takes everything where nothing is limited, and keeps nothing for it', () => {
    const { accounts, taken } = open();
    expect(taken(first, 10_000)).toBe(10_000);
    expect(accounts.size).toBe(0);
  });

  test('gives a burst, then its rate, and says when to come again', () => {
    const { clock, accounts, refused, set, taken } = open();
    set(first, { holder: { requestsPerSecond: 2, burst: 5 } });
    expect(taken(first, 20)).toBe(5);
    expect(taken(second, 20)).toBe(20);
    expect(accounts.take(first, 'bill.create')).toMatchObject({
      code: 'rate.limited',
      members: { limit: 'holderRequests', retryAfter: 1 },
    });
    clock.advance(1_000);
    expect(taken(first, 20)).toBe(2);
    expect(new Set(refused)).toEqual(new Set(['holderRequests']));
  });

  test('goes by the configuration, until an operator sets it, and again when that ends', () => {
    const { clock, set, taken } = open({ holder: RATE_OF_TEN });
    expect(taken(first, 20)).toBe(10);
    set(first, { holder: { requestsPerSecond: null } });
    expect(taken(first, 1_000)).toBe(1_000);
    set(first);
    clock.advance(10_000);
    expect(taken(first, 20)).toBe(10);
    set(first, { holder: { requestsPerSecond: 20 } });
    clock.advance(10_000);
    expect(taken(first, 50)).toBe(20);
  });

  test('lets what ends something through when what begins is refused', () => {
    const { set, taken } = open();
    set(first, { holder: { requestsPerSecond: 1, burst: 4 } });
    expect(taken(first, 10)).toBe(4);
    expect(taken(first, 10, 'bill.confirm')).toBe(4);
    expect(taken(first, 1)).toBe(0);
  });
});

describe('the account of an institution', () => {
  test('is that of all who act for it, and what it refuses costs its holders nothing', () => {
    const { clock, refused, set, taken } = open({ holder: RATE_OF_TEN });
    set(first, { institution: { requestsPerSecond: 12 } });
    expect(taken(first, 20) + taken(second, 20)).toBe(12);
    expect(refused).toContain('institutionRequests');
    // Nothing of the second holder’s own burst went into what its institution refused.
    clock.advance(500);
    expect(taken(second, 20)).toBe(6);
  });

  test('keeps no operator from raising its limit', () => {
    const { set, taken } = open();
    set(first, { institution: { requestsPerSecond: 1 } });
    expect(taken(first, 20)).toBe(1);
    const operator: Principal = { ...holder('opr_1'), kind: 'operator', role: 'institutionAdmin' };
    expect(taken(operator, 20, 'operator.institution.limit')).toBe(20);
  });

  test('says the longer of both waits', () => {
    const { accounts, set } = open();
    set(first, {
      holder: { requestsPerSecond: 100, burst: 1 },
      institution: { requestsPerSecond: 1, burst: 1 },
    });
    accounts.take(first, 'bill.create');
    expect(accounts.waitMs(first, 'bill.create')).toBe(1_000);
    expect(accounts.take(first, 'bill.create')).toMatchObject({
      members: { limit: 'institutionRequests', retryAfter: 1 },
    });
  });
});

describe('sockets', () => {
  test('are counted for the holder and for the institution, and no longer once closed', () => {
    const { accounts, refused, set } = open();
    set(first, { holder: { sockets: 2 }, institution: { sockets: 3 } });
    const opened = (principal: Principal): boolean => {
      if (accounts.fullOfSockets(principal) !== null) return false;
      accounts.countSocket(principal, 1);
      return true;
    };
    expect([opened(first), opened(first), opened(first)]).toEqual([true, true, false]);
    expect([opened(second), opened(second)]).toEqual([true, false]);
    expect(refused).toEqual(['holderSockets', 'institutionSockets']);
    accounts.countSocket(first, -1);
    expect(opened(second)).toBe(true);
    expect(accounts.fullOfSockets(first)).toMatchObject({ code: 'rate.limited' });
  });
});

describe('the accounts of two gateways', () => {
  function two() {
    const [here, there] = [open({}, true), open({}, true)];
    for (const { set } of [here, there]) {
      set(first, { holder: { requestsPerSecond: 10, burst: 5, sockets: 3 } });
    }
    const tell = (): void => {
      const [mine, theirs] = [here.accounts.tell(), there.accounts.tell()];
      here.accounts.hear(1, theirs);
      there.accounts.hear(0, mine);
    };
    return { here, there, tell };
  }

  test('owe each other what they have taken, so that a limit is one of both', () => {
    const { here, there, tell } = two();
    expect(here.taken(first, 4)).toBe(4);
    tell();
    expect(there.taken(first, 4)).toBe(1);
    tell();
    expect(here.taken(first, 4)).toBe(0);
    // Whatever they have not told each other yet is paid back: over time it is the rate of one.
    let sum = 0;
    for (let i = 0; i < 100; i++) {
      for (const { clock } of [here, there]) clock.advance(250);
      sum += here.taken(first, 10) + there.taken(first, 10);
      tell();
    }
    expect(sum).toBeGreaterThanOrEqual(245);
    expect(sum).toBeLessThanOrEqual(260);
  });

  test('add up their sockets, and forget those of a gateway that begins anew', () => {
    const { here, there, tell } = two();
    here.accounts.countSocket(first, 1);
    here.accounts.countSocket(first, 1);
    there.accounts.countSocket(first, 1);
    expect(here.accounts.fullOfSockets(first)).toBeNull();
    tell();
    expect(here.accounts.fullOfSockets(first)).not.toBeNull();
    expect(there.accounts.fullOfSockets(first)).not.toBeNull();
    here.accounts.countSocket(first, -1);
    tell();
    expect(there.accounts.fullOfSockets(first)).toBeNull();
    there.accounts.countSocket(first, 1);
    expect(there.accounts.fullOfSockets(first)).not.toBeNull();
    there.accounts.hear(0, null);
    expect(there.accounts.fullOfSockets(first)).toBeNull();
    // Who begins anew is told again what the others have.
    expect(there.accounts.tell()).toEqual([
      { party: 'holder', id: first.id, requests: 0, sockets: 2 },
    ]);
  });

  test('tell nothing of whom nobody limits', () => {
    const { accounts, taken, set } = open({}, true);
    set(second, { holder: { requestsPerSecond: 10 } });
    taken(first, 5);
    accounts.countSocket(first, 1);
    expect(accounts.tell()).toEqual([]);
  });
});

describe('accounts', () => {
  test('are forgotten once they say no more than new ones', () => {
    const { clock, accounts, set, taken } = open({ holder: RATE_OF_TEN });
    taken(first, 5);
    set(second, { holder: { sockets: 2 } });
    accounts.forgetIdle();
    expect(accounts.size).toBe(2);
    clock.advance(1_000);
    accounts.forgetIdle();
    // What an operator has set stays: it is told once, with the key.
    expect(accounts.size).toBe(1);
    accounts.countSocket(first, 1);
    accounts.forgetIdle();
    expect(accounts.size).toBe(3);
  });
});
