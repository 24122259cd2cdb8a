// Honest customers who go on buying while others attack: nothing of theirs may be lost or refused.

import type { Answers } from '../../support/answers.ts';
import { HttpParty, StreamParty } from '../../support/client.ts';
import { Customer } from '../../support/customers.ts';
import type { SwitchProcess } from '../../support/switch-process.ts';
import { promise } from '../target.ts';

export interface Legitimate {
  /** How many bills have been paid so far. */
  bought(): number;
  /** Lets them go; throws where one of them was not served. */
  end(): Promise<void>;
}

export async function beginCustomers(
  process: SwitchProcess,
  answers: Answers,
): Promise<Legitimate> {
  const { baseUrl, demo } = process;
  const { terminal, paychannel } = demo;
  const till = await StreamParty.connect(baseUrl, 'terminal', terminal.key, answers);
  const wallet = await StreamParty.connect(
    baseUrl,
    'paychannel',
    paychannel.key,
    answers,
    'msgpack',
  );
  for (const party of [till, wallet]) party.onEvent = ({ id }) => party.acknowledge([id]);
  const [first, second] = [new Customer(), new Customer()];
  const failures: unknown[] = [];
  const running = [
    first.run(till, wallet),
    second.run(
      new HttpParty(baseUrl, 'terminal', terminal.key, answers),
      new HttpParty(baseUrl, 'paychannel', paychannel.key, answers),
    ),
  ].map((run) => run.catch((error: unknown) => failures.push(error)));
  return {
    bought: () => first.paid.length + second.paid.length,
    async end() {
      for (const customer of [first, second]) customer.stop();
      await Promise.all(running);
      await Promise.all([till.close(), wallet.close()]);
      promise(failures.length === 0, `a customer was not served: ${String(failures[0])}`, '');
      promise(first.lost + second.lost === 0, 'a customer’s call was lost', '');
      promise(first.paid.length > 0 && second.paid.length > 0, 'a customer could not buy', '');
    },
  };
}
