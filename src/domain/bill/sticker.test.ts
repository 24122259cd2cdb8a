import { describe, expect, test } from 'vitest';
import {
  cancel,
  confirm,
  create,
  createStatic,
  given,
  inSeconds,
  money,
  pay,
  ref,
  release,
  reserve,
  START,
  TERMINAL,
} from '../../../tests/support/bill-spec.ts';
import type { BillId, TerminalId } from '../ids.ts';
import { HOUR_MS, NEVER, plus } from '../time.ts';
import { nextDueOf } from './bill.ts';
import type { BillCommand, ProposedSale } from './vocabulary.ts';

const TTL_MS = 300_000;

function sale(no: number, changes: Partial<ProposedSale> = {}): ProposedSale {
  return {
    billId: idOf(no),
    terminalId: TERMINAL,
    orderId: ref(`sale-${no}`),
    digest: `sale ${no}`,
    amount: money(500),
    policies: null,
    ttlMs: TTL_MS,
    ...changes,
  };
}

const idOf = (no: number): BillId => `01JGF00000000000000000SAL${no}` as BillId;
const arm = (no: number, changes: Partial<ProposedSale> = {}): BillCommand => ({
  type: 'ArmSticker',
  sale: sale(no, changes),
});
const end = (no: number, saleId: BillId | null = idOf(no)): BillCommand => ({
  type: 'EndArming',
  attempt: idOf(no),
  saleId,
});

describe('a sticker', () => {
  test('is armed in two steps, and its version counts the second', () => {
    given(createStatic(), arm(1))
      .when(end(1))
      .decides('StickerArmed')
      .and(({ sticker, version, status }) => {
        expect(sticker).toMatchObject({ carried: { billId: idOf(1) }, arming: null });
        expect([version, status]).toEqual([2, 'open']);
      });
  });

  test('carries the bill that the order has, whatever bill was proposed', () => {
    given(createStatic(), arm(1))
      .when(end(1, idOf(7)))
      .and(({ sticker }) => expect(sticker?.carried?.billId).toBe(idOf(7)));
  });

  test('lets the sale end after its time from the arm on', () => {
    const { bill } = given(createStatic(), [arm(1), inSeconds(10)], [end(1), inSeconds(11)]);
    expect(bill.sticker?.carried?.expiresAt).toBe(plus(inSeconds(10), TTL_MS));
  });

  test('begins one arm at a time', () => {
    const arming = given(createStatic(), arm(1));
    arming.when(arm(2)).decidesNothing();
    arming.when(arm(1)).decidesNothing();
    const other = { terminalId: 'term-2' as TerminalId, digest: 'another till’s' };
    arming.when(arm(1, other)).decidesNothing();
    // What the order comes to is not known yet; another body of it is refused by that.
    arming.when(arm(1, { digest: 'x' })).decidesNothing();
  });

  test('ends only the arm that is meant', () => {
    const arming = given(createStatic(), arm(1), end(1, null), arm(2));
    arming.when(end(1)).decidesNothing();
    arming.when(end(1, null)).decidesNothing();
    given(createStatic(), arm(1), end(1)).when(end(1)).decidesNothing();
  });

  test('is as it was before where the arm comes to nothing', () => {
    given(createStatic(), arm(1))
      .when(end(1, null))
      .decides('ArmingGivenUp')
      .and((bill) => {
        expect([bill.sticker, bill.version]).toEqual([null, 1]);
        expect(nextDueOf(bill)).toBe(NEVER);
      });
    given(createStatic(), arm(1), end(1), arm(2))
      .when(end(2, null))
      .and(({ sticker }) => expect(sticker?.carried?.billId).toBe(idOf(1)));
  });

  test('knows the order of the sale that it carries for a day', () => {
    const armed = given(createStatic(), arm(1), end(1));
    armed.when(arm(1)).decidesNothing();
    const reused = { rejected: 'order.reused', billId: idOf(1) } as const;
    armed.when(arm(1, { digest: 'x' })).rejects(reused);
    armed.when(arm(1), plus(START, 25 * HOUR_MS)).decides('ArmingBegun');
    // It is known while another arm is under way, and after the code is withdrawn.
    given(createStatic(), arm(1), end(1), arm(2)).when(arm(1)).decidesNothing();
    given(createStatic(), arm(1), end(1), cancel()).when(arm(1)).decidesNothing();
  });

  test('takes nothing itself from its first arm on', () => {
    const rejection = { rejected: 'bill.notPayable', reason: 'armed' } as const;
    for (const steps of [[arm(1)], [arm(1), end(1)]]) {
      const armed = given(createStatic(), ...steps);
      armed.when(pay(100)).refuses(rejection);
      armed.when(reserve(null)).rejects(rejection);
    }
    given(createStatic(), arm(1), end(1, null))
      .when(pay(100))
      .and(({ counts }) => {
        expect(counts.accepted).toBe(1);
      });
  });

  test('may have been paid by itself before, many times or not yet', () => {
    given(createStatic(), pay(100)).when(arm(1)).decides('ArmingBegun');
    given(createStatic({ usage: 'single' }))
      .when(arm(1))
      .decides('ArmingBegun');
  });

  test('cannot be armed while a wallet is about to pay the code itself', () => {
    const reserved = given(createStatic(), reserve(null));
    reserved.when(arm(1)).rejects({ rejected: 'bill.notArmable', reason: 'reserved' });
    given(createStatic(), reserve(null), release(1)).when(arm(1)).decides('ArmingBegun');
  });

  test('that is not in force cannot be armed', () => {
    const rejected = 'bill.notArmable';
    given(createStatic(), cancel()).when(arm(1)).rejects({ rejected, reason: 'withdrawn' });
    const early = given(createStatic({ validFrom: inSeconds(100) }));
    early.when(arm(1)).rejects({ rejected, reason: 'notYetValid' });
    const over = given(createStatic({}, { expiresAt: inSeconds(60) })).later(inSeconds(61));
    over.when(arm(1)).rejects({ rejected, reason: 'expired' });
    const single = given(createStatic({ usage: 'single' }), pay(100));
    single.when(arm(1)).rejects({ rejected, reason: 'paid' });
    given(create()).when(arm(1)).rejects({ rejected, reason: 'notStatic' });
  });

  test('that is withdrawn while it is armed ends the arm without a sale', () => {
    given(createStatic(), arm(1), cancel()).when(end(1)).decides('ArmingGivenUp');
    given(createStatic(), arm(1), confirm(0)).when(end(1)).decides('ArmingGivenUp');
  });

  test('drives on an arm that nobody ends, less and less often', () => {
    const arming = given(createStatic(), [arm(1), START]);
    const times: number[] = [];
    let now = START;
    let { bill } = arming;
    for (let i = 0; i < 6; i++) {
      now = nextDueOf(bill);
      times.push((now - START) / 1_000);
      ({ bill } = arming.later(now));
    }
    expect(times).toEqual([2, 4, 8, 16, 32, 64]);
    expect(nextDueOf(arming.later(plus(START, 9 * HOUR_MS)).bill)).toBeLessThanOrEqual(
      plus(START, 10 * HOUR_MS),
    );
    expect(bill.version).toBe(1);
  });

  test('gives an arm up that nobody has ended while its order meant the same', () => {
    const { bill } = given(createStatic(), [arm(1), START]).later(plus(START, 23 * HOUR_MS));
    const last = nextDueOf(bill);
    expect(last).toBe(plus(START, 24 * HOUR_MS));
    const later = given(createStatic(), [arm(1), START]).later(last);
    expect(later.bill.sticker).toBeNull();
    later.when(arm(1)).decides('ArmingBegun');
  });

  test('runs its other timers beside', () => {
    const single = { usage: 'single' } as const;
    const steps = [createStatic(single, { expiresAt: inSeconds(3) }), [arm(1), START]] as const;
    const { bill } = given(...steps).later(inSeconds(60));
    expect(bill.status).toBe('expired');
    expect(bill.sticker?.arming?.billId).toBe(idOf(1));
  });
});
