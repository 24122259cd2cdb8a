// `qrswitch payer`: labels of payers, seen where a complaint needs it and erased where the payer asks for it.

import { Command } from 'commander';
import type { Io } from './io.ts';
import { OperatorClient, type TargetOptions, withTarget } from './operator-client.ts';
import { table } from './table.ts';

interface Options extends TargetOptions {
  readonly bill: string;
  readonly payment?: string;
}

export function payerCommand(io: Io): Command {
  const ofBill = (command: Command): Command =>
    withTarget(command).requiredOption('--bill <id>', 'the bill that was paid');
  return new Command('payer')
    .description('what wallets have told of who paid; each look stands in the audit')
    .addCommand(
      ofBill(new Command('show').description('shows the label of each payment')).action(
        async (options: Options) => {
          const path = `bills/${encodeURIComponent(options.bill)}/payers`;
          const { items } = await new OperatorClient(options).get<{
            items: { paymentId: string; payer: string | null }[];
          }>(path);
          const rows = items.map(({ paymentId, payer }) => [paymentId, payer ?? '']);
          const columns = [{ title: 'payment' }, { title: 'payer' }];
          const text = options.json
            ? JSON.stringify(items, null, 2)
            : table(columns, rows).join('\n');
          io.stdout.write(`${text}\n`);
        },
      ),
    )
    .addCommand(
      ofBill(new Command('erase').description('erases them, for good'))
        .option('--payment <id>', 'of this payment only')
        .action(async (options: Options) => {
          const path = `bills/${encodeURIComponent(options.bill)}/payers/erase`;
          const body = options.payment === undefined ? {} : { paymentId: options.payment };
          const client = new OperatorClient(options);
          const { erased } = await client.change<{ erased: number }>('POST', path, body);
          const text = options.json ? JSON.stringify({ erased }) : `${erased} erased`;
          io.stdout.write(`${text}\n`);
        }),
    );
}
