// What is given back by hand at the acquirer beside credits that it has rejected.

import { describe, expect, test } from 'vitest';
import { AcquiredWorld } from '../../../tests/support/acquired-world.ts';
import {
  cancel,
  closeCredit,
  confirm,
  ref,
  refund,
  requestAgain,
} from '../../../tests/support/bill-spec.ts';
import { SEEN_AT_ACQUIRER } from './external-credits.ts';

const HOUR_MS = 3_600_000;

/** Of 1000, confirmed: these have been asked for, and refused for good. */
function refused(...amounts: readonly number[]): AcquiredWorld {
  const world = new AcquiredWorld({
    closesByItself: true,
    partialRefund: true,
    cancelGivesBack: false,
  });
  world.visit('not');
  world.pay();
  world.visit('not');
  world.command(confirm());
  world.refuses = 'refund';
  for (const [at, amount] of amounts.entries()) {
    world.command(refund(amount, { key: ref(`k${at}`) }));
    world.settle();
  }
  world.refuses = null;
  return world;
}

function find(world: AcquiredWorld): void {
  world.pass(2 * HOUR_MS);
  world.visit('not');
}

const seen = { how: 'returnedOtherwise', reference: SEEN_AT_ACQUIRER };

describe('what is given back by hand', () => {
  test('resolves the credit that the bank had rejected, and the terminal hears of it', () => {
    const world = refused(300);
    world.byHand(300);
    find(world);

    expect(world.present.credits).toMatchObject([{ status: 'rejected', resolution: seen }]);
    expect(world.present.books).toMatchObject({ refunded: 300, unreturned: 0 });
    expect(world.present.outbox.at(-1)).toMatchObject({
      type: 'credit.settled',
      credit: { no: 1 },
    });
    expect(world.command(closeCredit(1))).toEqual({
      rejected: 'credit.notRejected',
      status: 'returnedOtherwise',
    });
    find(world);
    world.command(refund(700, { key: ref('rest') }));
    world.settle();
    expect(world.present).toMatchObject({ status: 'refunded', books: { refunded: 1_000 } });
    expect(world.bank.returned).toBe(1_000);
  });

  test('resolves each rejected credit that it covers, the oldest first, and is a credit of its own beyond', () => {
    const world = refused(300, 400, 100);
    world.byHand(450);
    find(world);

    expect(world.present.credits.map(({ resolution }) => resolution?.how)).toEqual([
      'returnedOtherwise',
      undefined,
      'returnedOtherwise',
    ]);
    expect(world.present.books).toMatchObject({ refunded: 800, unreturned: 400 });
    world.byHand(400);
    find(world);
    expect(world.present.credits[1]).toMatchObject({ resolution: seen });
    expect(world.present.credits[3]).toMatchObject({ amount: 50, origin: 'external' });
    expect(world.present.books).toMatchObject({ refunded: 850, unreturned: 0 });
  });

  test('in two parts is for the credit that they cover together', () => {
    const world = refused(300);
    for (const part of [100, 200]) {
      expect(world.present.books.unreturned).toBe(300);
      world.byHand(part);
      find(world);
    }

    expect(world.present.credits).toMatchObject([{ resolution: seen }]);
    expect(world.present.books).toMatchObject({ refunded: 300, unreturned: 0 });
  });

  test('is a credit of its own once what it did not cover is asked for again', () => {
    const world = refused(300);
    world.byHand(100);
    find(world);
    world.command(requestAgain(1));
    world.settle();

    expect(world.present.credits).toMatchObject([
      { resolution: { how: 'requestedAgain' } },
      { status: 'settled', replaces: 1 },
      { amount: 100, origin: 'external' },
    ]);
    expect(world.present.books.refunded).toBe(world.bank.returned);
  });

  test.each([100, 300])(
    'counts for a credit that an operator has closed before it was found: %i',
    (byHand) => {
      const world = refused(300);
      world.byHand(byHand);
      world.command(closeCredit(1));
      find(world);

      expect(world.present.credits).toHaveLength(1);
      expect(world.present.books).toMatchObject({ refunded: 300, unreturned: 0 });
      expect(world.command(refund(700, { key: ref('rest') }))).not.toHaveProperty('rejected');
    },
  );

  test('and not found yet is not given again where the credit is asked for again', () => {
    const world = refused(300);
    world.byHand(300);
    world.command(requestAgain(1));
    world.settle();

    expect(world.present.credits).toMatchObject([{}, { status: 'settled', replaces: 1 }]);
    expect(world.present.books).toMatchObject({ refunded: 300, unreturned: 0 });
    expect(world.bank.returned).toBe(300);
  });

  test('resolves the credit of a cancelled bill, however it was rejected', () => {
    const world = new AcquiredWorld({
      closesByItself: true,
      partialRefund: true,
      cancelGivesBack: false,
    });
    world.visit('not');
    world.pay();
    world.visit('not');
    world.refuses = 'refund';
    world.command(cancel());
    world.settle();
    expect(world.present.books.unreturned).toBe(1_000);
    world.byHand(1_000);
    find(world);

    expect(world.present.credits).toMatchObject([{ kind: 'reversal', resolution: seen }]);
    expect(world.present.books.unreturned).toBe(0);
  });

  test('is for the credit that was rejected before it is for one that is put off', () => {
    const world = refused(300);
    world.refuses = 'refundForNow';
    world.command(refund(300, { key: ref('off') }));
    world.visit('not');
    world.visit('not');
    world.refuses = null;
    world.byHand(300);
    world.command(closeCredit(1));
    world.settle();

    expect(world.present.credits).toMatchObject([{ status: 'rejected' }, { status: 'settled' }]);
    expect(world.present.books.refunded).toBe(600);
    expect(world.bank.returned).toBe(600);
  });
});
