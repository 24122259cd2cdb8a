// Simulated banks with a driver on each, over real sockets, on one clock that stands until a test lets it go on.

import type { BillDriver, BillDriverModule } from '../../src/drivers/contract/bill-driver.ts';
import { openDriver } from '../../src/drivers/contract/open-driver.ts';
import { driver as sber } from '../../src/drivers/sber/driver.ts';
import { driver as tbank } from '../../src/drivers/tbank/driver.ts';
import type { Controlled } from '../../src/simulators/control.ts';
import { startSber } from '../../src/simulators/sber/simulator.ts';
import type { BankSimulator } from '../../src/simulators/simulator.ts';
import { startTbank } from '../../src/simulators/tbank/simulator.ts';
import { ManualClock } from './manual-clock.ts';

export interface BankWorld {
  readonly clock: ManualClock;
  readonly url: string;
  readonly bank: Controlled;
  readonly driver: BillDriver;
  /** Another driver with the same settings, but for these: the next life. */
  reopen(change?: Readonly<Record<string, unknown>>): BillDriver;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly simulator?: Readonly<Record<string, unknown>>;
  readonly driver?: Readonly<Record<string, unknown>>;
}

const TBANK_TERMINAL = { terminalKey: '1700000000000DEMO', password: 'a-password' };

export async function tbankWorld(options: WorldOptions = {}): Promise<BankWorld> {
  const clock = new ManualClock();
  const simulator = await startTbank(
    { terminals: [TBANK_TERMINAL], ...options.simulator },
    { clock },
  );
  return worldOf({ clock, simulator, module: tbank }, { ...TBANK_TERMINAL, ...options.driver });
}

export const SBER_CLIENT = {
  clientId: 'a-client',
  clientSecret: 'a-secret',
  memberId: '00001234',
};
export const SBER_OUTLET = { idQr: '1000100050', tid: '12345678' };

export async function sberWorld(options: WorldOptions = {}): Promise<BankWorld> {
  const clock = new ManualClock();
  const simulator = await startSber(
    { ...SBER_CLIENT, outlets: [SBER_OUTLET], ...options.simulator },
    { clock },
  );
  const settings = { ...SBER_CLIENT, ...SBER_OUTLET, ...options.driver };
  return worldOf({ clock, simulator, module: sber }, settings);
}

interface Parts {
  readonly clock: ManualClock;
  readonly simulator: BankSimulator;
  readonly module: BillDriverModule;
}

function worldOf(
  { clock, simulator, module }: Parts,
  settings: Readonly<Record<string, unknown>>,
): BankWorld {
  const open = (change: object) =>
    openDriver(module, { baseUrl: simulator.url, ...settings, ...change }, { clock });
  const drivers: BillDriver[] = [];
  const reopen = (change = {}) => {
    const driver = open(change);
    drivers.push(driver);
    return driver;
  };
  return {
    clock,
    url: simulator.url,
    bank: simulator.bank,
    driver: reopen(),
    reopen,
    close: async () => {
      await Promise.all(drivers.map((driver) => driver.close()));
      await simulator.close();
    },
  };
}
