// Honest customers who go on buying while others attack: they are served. A busy machine may
// cost them a 503 or a kept connection now and then; they ask again with the same references, as honest customers do.

import { setTimeout as pause } from 'node:timers/promises';
import type { Answers } from '../../support/answers.ts';
import { HttpParty, type Party, StreamParty } from '../../support/client.ts';
import { Customer } from '../../support/customers.ts';
import type { SwitchProcess } from '../../support/switch-process.ts';
import { promise } from '../target.ts';

const ASK_AGAIN_MS = 50;
/** Of a hundred answers so many may have been lost. */
const LOST_PERCENT_MAX = 5;

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
  let isOver = false;
  for (const { closed } of [till, wallet]) {
    void closed.then(({ code, reason }) => {
      if (!isOver) failures.push(`its stream was closed with ${code} ${reason}`);
      isOver = true;
    });
  }
  const buyOn = async (customer: Customer, ...parties: [Party, Party]): Promise<void> => {
    while (!isOver) {
      await customer.run(...parties);
      await pause(ASK_AGAIN_MS);
    }
  };
  const parties = {
    till: new HttpParty(baseUrl, 'terminal', terminal.key, answers),
    wallet: new HttpParty(baseUrl, 'paychannel', paychannel.key, answers),
  };
  const running = [buyOn(first, till, wallet), buyOn(second, parties.till, parties.wallet)].map(
    (run) => run.catch((error: unknown) => failures.push(error)),
  );
  return {
    bought: () => first.paid.length + second.paid.length,
    async end() {
      isOver = true;
      for (const customer of [first, second]) customer.stop();
      await Promise.all(running);
      await Promise.all([till.close(), wallet.close()]);
      promise(failures.length === 0, `a customer was not served: ${String(failures[0])}`, '');
      const told = first.told.length + second.told.length;
      const lost = first.lost + second.lost;
      promise(lost * 100 <= told * LOST_PERCENT_MAX, `${lost} calls lost of ${told}`, '');
      promise(first.paid.length > 0 && second.paid.length > 0, 'a customer could not buy', '');
    },
  };
}
