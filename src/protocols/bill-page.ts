// What a plain camera opens: who asks for how much, and whether it is still to be paid.

import { AMOUNT_MAX } from '../domain/money.ts';
import type { WalletNames } from '../switch/directory.ts';
import { formatAmount } from './currencies.ts';
import { escapeHtml, htmlPage } from './html.ts';

/** The body that the presenter writes for a `page` reply. */
export interface PageBody {
  readonly id: string;
  /** For the gateway, which knows its wallets. */
  readonly institutionId: string;
  readonly status: string;
  readonly mode: 'test' | 'live';
  readonly merchant: { readonly name: string; readonly city: string };
  readonly description: string | null;
  readonly currency: string;
  /** 0 where the payer chooses from the range. */
  readonly amount: number;
  readonly minAmount: number;
  readonly maxAmount: number;
  readonly due: number;
  readonly isLate: boolean;
  readonly isPayable: boolean;
  /** The wallets of its institution have nothing to do with it then. */
  readonly isByAcquirer: boolean;
  /** What its code says; null where nobody can pay it now. */
  readonly payload: string | null;
  /** Null: no payment may bring a tip. */
  readonly tipMax: number | null;
}

const STATES: Readonly<Record<string, string>> = {
  pending: 'Not yet to be paid',
  open: 'To be paid',
  partiallyPaid: 'Paid in part',
  paid: 'Paid',
  confirmed: 'Paid',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
  expired: 'Expired',
  failed: 'Not to be paid',
};

const TEST_BANNER =
  '<p class="test" role="note">Test: this is no real bill, and no money is moved.</p>';

/** What is shown of a bill that can be paid. */
export interface PayBy {
  /** Its code, as SVG; empty where it cannot be drawn. */
  readonly code: string;
  readonly wallets: WalletNames;
}

/** The bill’s page. All of it that people wrote is escaped. */
export function billPage(bill: PageBody, { code, wallets }: PayBy): string {
  const { isPayable } = bill;
  const amount = amountOf(bill, isPayable);
  const part =
    isPayable && bill.due < bill.amount ? ` of ${formatAmount(bill.amount, bill.currency)}` : '';
  const merchant = escapeHtml(bill.merchant.name);
  return htmlPage(
    `${bill.mode === 'test' ? 'Test: ' : ''}${bill.merchant.name}: ${amount}`,
    `${bill.mode === 'test' ? TEST_BANNER : ''}<main class="bill"><h1>${merchant}</h1><p class="soft">${escapeHtml(bill.merchant.city)}</p>
<p class="amount">${escapeHtml(amount)}</p><p>${escapeHtml(part)}</p>
<p><span class="state">${escapeHtml(stateOf(bill))}</span></p>
${bill.description === null ? '' : `<p>${escapeHtml(bill.description)}</p>`}
${isPayable ? tipLine(bill) : ''}
${isPayable ? `${codeLines(code)}${walletLine(wallets)}` : '<p class="soft">There is nothing to pay here now.</p>'}
<p class="soft"><code>${escapeHtml(bill.id)}</code></p></main>`,
  );
}

function codeLines(code: string): string {
  if (code === '') return '<p class="soft">The code of this bill cannot be shown here.</p>';
  return `<p class="soft">To pay, scan this code in the app of your bank or wallet.</p><div class="code" role="img" aria-label="The code of this bill">${code}</div>`;
}

function stateOf({ status, due, isLate, isPayable }: PageBody): string {
  if (due > 0 && isLate) return 'Expired';
  const isOpen = status === 'open' || status === 'partiallyPaid';
  return isOpen && !isPayable ? 'Not to be paid now' : (STATES[status] ?? status);
}

function walletLine({ names, isMore }: WalletNames): string {
  if (names.length === 0) return '';
  const others = isMore ? ' and others' : '';
  return `<p class="soft">${escapeHtml(`It can be paid in ${names.join(', ')}${others}.`)}</p>`;
}

function amountOf(bill: PageBody, isPayable: boolean): string {
  const { amount, minAmount, maxAmount, currency } = bill;
  if (minAmount === maxAmount) return formatAmount(isPayable ? bill.due : amount, currency);
  return `${formatAmount(minAmount, currency)} – ${formatAmount(maxAmount, currency)}`;
}

function tipLine({ tipMax, currency }: PageBody): string {
  if (tipMax === null) return '';
  const most = tipMax === AMOUNT_MAX ? '' : ` of up to ${formatAmount(tipMax, currency)}`;
  return `<p class="soft">${escapeHtml(`You may add a tip${most}.`)}</p>`;
}

/** For an id that no bill has. */
export function noBillPage(): string {
  return htmlPage(
    'No such bill',
    '<main class="bill"><h1>No such bill</h1><p class="soft">The code may have been read wrongly. Scan it again.</p></main>',
  );
}

/** While the bill cannot be read. */
export function billAwayPage(): string {
  return htmlPage(
    'Try again',
    '<main class="bill"><h1>One moment</h1><p class="soft">The bill cannot be shown now. Try again in a few seconds.</p></main>',
  );
}
