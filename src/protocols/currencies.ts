// Amounts as a person reads them.

import { currencyFacts } from '../domain/currencies.ts';

export function isCurrency(text: string): boolean {
  return currencyFacts(text) !== undefined;
}

/** An amount of minor units as a person reads it: `12.34 EUR`. */
export function formatAmount(amount: number, currency: string): string {
  const decimals = currencyFacts(currency)?.decimals ?? 2;
  const digits = String(amount).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u00a0');
  const rest = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`;
  return `${grouped}${rest}\u00a0${currency}`;
}
