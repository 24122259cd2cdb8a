// A living market: simulated tills and wallets against one switch, and both their books against each other.

import { CodeQueue } from './code-queue.ts';
import type { Report } from './options.ts';
import type { Sale } from './sale.ts';
import type { Tally } from './tally.ts';
import { simulateTerminals, type TerminalsOptions } from './terminals.ts';
import type { WalletBooks } from './wallet-books.ts';
import { simulateWallets, type WalletsOptions } from './wallets.ts';

export interface ShopOptions {
  readonly terminals: Omit<TerminalsOptions, 'show'>;
  readonly wallets: Omit<WalletsOptions, 'codes'>;
}

export interface ShopReport {
  readonly terminals: Report;
  readonly wallets: Report;
  /** What the tills have and the wallets have not, bill by bill: one line each. */
  readonly between: readonly string[];
}

export interface RunningShop {
  readonly tallies: { readonly terminals: Tally; readonly wallets: Tally };
  underWay(): number;
  stop(): void;
  readonly report: Promise<ShopReport>;
}

/** Rejects with `NoSwitch` where nothing can be begun. */
export async function simulateShop(options: ShopOptions): Promise<RunningShop> {
  const codes = new CodeQueue();
  const wallets = await simulateWallets({ ...options.wallets, codes });
  const show = ({ qr }: { readonly qr: string }): void => codes.put(qr);
  const terminals = await simulateTerminals({ ...options.terminals, show }).catch(
    async (error: unknown) => {
      codes.end();
      await wallets.report;
      throw error;
    },
  );
  const end = async (): Promise<ShopReport> => {
    const ofTerminals = await terminals.report.catch(async (error: unknown) => {
      codes.end();
      await wallets.report;
      throw error;
    });
    codes.end();
    const ofWallets = await wallets.report;
    const between = differencesBetween(terminals.sales, wallets.books);
    return { terminals: ofTerminals, wallets: ofWallets, between };
  };
  return {
    tallies: { terminals: terminals.tally, wallets: wallets.tally },
    underWay: () => terminals.underWay() + wallets.underWay(),
    stop: () => terminals.stop(),
    report: end(),
  };
}

export function isInOrder({ terminals, wallets, between }: ShopReport): boolean {
  return terminals.books.agree && wallets.books.agree && between.length === 0;
}

/** Money that wallets say was taken is money that the till was told of, and what went back came back. */
function differencesBetween(sales: readonly Sale[], books: WalletBooks): string[] {
  const taken = books.takenByBill();
  const returned = books.returnedByBill();
  return sales.flatMap((sale) => {
    const { billId, orderId, end } = sale;
    if (billId === '' || end === 'unknown' || end === 'underWay') return [];
    const [debited, credited] = [taken.get(billId) ?? 0, returned.get(billId) ?? 0];
    const found: string[] = [];
    if (debited !== sale.paid) {
      found.push(`order ${orderId}: the till was paid ${sale.paid}, wallets have ${debited} taken`);
    }
    const owed = sale.paid - sale.confirmed + sale.refunded;
    if (credited !== owed) {
      found.push(`order ${orderId}: ${owed} were to go back, wallets were asked for ${credited}`);
    }
    return found;
  });
}
