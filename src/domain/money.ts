import { Defect } from './assert.ts';
import type { Brand } from './brand.ts';

/** A non-negative safe integer of minor units (cents, kopecks). Its currency stands in the bill's terms. */
export type Minor = Brand<number, 'Minor'>;

/** ISO 4217 alphabetic code. */
export type Currency = Brand<string, 'Currency'>;

/** The largest amount of one bill, payment, reservation or credit (API.md). */
export const AMOUNT_MAX = 1_000_000_000_000 as Minor;

export const ZERO = 0 as Minor;

/** The caller vouches for a whole, non-negative number; anything else is a Defect. */
export function minor(value: number): Minor {
  // Not by assert: its message would be made for each amount.
  if (Number.isSafeInteger(value) && value >= 0) return value as Minor;
  throw new Defect(`not an amount: ${value}`);
}

/** A sum that is no safe integer is a Defect. */
export function add(left: Minor, right: Minor): Minor {
  return minor(left + right);
}

/** `left − right`; a negative result is a Defect. */
export function subtract(left: Minor, right: Minor): Minor {
  return minor(left - right);
}

/** How much of the amount lies above the limit. */
export function above(amount: Minor, limit: Minor): Minor {
  return amount > limit ? subtract(amount, limit) : ZERO;
}

export function smaller(left: Minor, right: Minor): Minor {
  return left < right ? left : right;
}
