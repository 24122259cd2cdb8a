import { describe, expect, test } from 'vitest';
import { tokenOf } from './token.ts';

/** The bank’s published examples, recomputed. */
const CALL = {
  TerminalKey: 'MerchantTerminalKey',
  Amount: 19_200,
  Description: 'Подарочная карта на 1000 рублей',
};

describe('the token of T-Bank', () => {
  test.each([
    ['21090', 'usaf8fw8fsw21g', '0024a00af7c350a3a67ca168ce06502aa72772456662e38696d48b56ee9c97d9'],
    ['00000', '11111111111111', '72dd466f8ace0a37a1f740ce5fb78101712bc0665d91a8108c7c8a0ccd426db2'],
  ])('is the published one for order %s', (OrderId, password, token) => {
    expect(tokenOf({ ...CALL, OrderId }, password)).toBe(token);
  });

  test('is the published one for a notification, whose success is a boolean', () => {
    const notification = {
      Amount: 9_855,
      CardId: 322_264,
      ErrorCode: '0',
      ExpDate: '1122',
      OrderId: '201709',
      Pan: '430000******0777',
      PaymentId: 8_742_591,
      RebillId: 101_709,
      Status: 'AUTHORIZED',
      Success: true,
      TerminalKey: '1321054611234DEMO',
    };

    expect(tokenOf(notification, 'Dfsfh56dgKl')).toBe(
      'b906d28e76c6428e37b25fcf86c0adc52c63d503013fdd632e300593d165766b',
    );
  });

  test('covers neither objects nor itself', () => {
    const bare = tokenOf({ ...CALL, OrderId: '21090' }, 'p');

    expect(
      tokenOf({ ...CALL, OrderId: '21090', DATA: { a: 'b' }, Shops: [], Token: 'x' }, 'p'),
    ).toBe(bare);
    expect(tokenOf({ ...CALL, OrderId: '21091' }, 'p')).not.toBe(bare);
  });
});
