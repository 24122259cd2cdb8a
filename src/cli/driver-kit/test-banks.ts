// The simulated banks as the conformance kit wants an acquirer.

import type { PostedNotification, Registration } from '../../drivers/contract/bill-driver.ts';
import type { KitClock } from '../../drivers/kit/kit-clock.ts';
import type { Disturbance, DisturbedCall, TestBank } from '../../drivers/kit/test-bank.ts';
import type { FaultOrder } from '../../simulators/faults.ts';
import { startSber } from '../../simulators/sber/simulator.ts';
import type { BankSimulator } from '../../simulators/simulator.ts';
import { startTbank } from '../../simulators/tbank/simulator.ts';
import { tokenOf } from '../../simulators/tbank/token.ts';

const TERMINAL = { terminalKey: 'kitDEMO', password: 'kit-password' };
const CLIENT = { clientId: 'kit', clientSecret: 'kit-secret', memberId: '00000001' };
const OUTLET = { idQr: '1000100001', tid: '10000001' };

const FAULTS: Readonly<Record<Disturbance, FaultOrder>> = {
  requestLost: { kind: 'lost', effect: 'none' },
  answerLost: { kind: 'lost', effect: 'now' },
  late: { kind: 'lost', effect: 'late', delayMs: 30_000 },
  failed: { kind: 'status', status: 500, effect: 'now' },
  garbled: { kind: 'status', status: 200, effect: 'now' },
  stalled: { kind: 'slow', delayMs: 3_600_000 },
  busy: { kind: 'status', status: 429, retryAfterS: 7 },
};

export async function startTbankForKit(clock: KitClock): Promise<TestBank> {
  const simulator = await startTbank({ terminals: [TERMINAL] }, { clock });
  const settings = {
    ...TERMINAL,
    baseUrl: simulator.url,
    notificationUrl: 'https://switch.example/notifications',
  };
  const paths = { register: '/Init', look: '/GetState', cancel: '/Cancel', refund: '/Cancel' };
  return {
    ...testBank(simulator, paths),
    settings,
    notificationOf: ({ id, ref, amount }): PostedNotification => {
      const message = {
        TerminalKey: TERMINAL.terminalKey,
        OrderId: id,
        Success: true,
        Status: 'CONFIRMED',
        PaymentId: Number(ref),
        ErrorCode: '0',
        Amount: amount,
      };
      const body = { ...message, Token: tokenOf(message, TERMINAL.password) };
      return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    },
  };
}

export async function startSberForKit(clock: KitClock): Promise<TestBank> {
  const simulator = await startSber({ ...CLIENT, outlets: [OUTLET] }, { clock });
  const paths = {
    register: '/creation',
    look: '/status',
    cancel: '/revocation',
    refund: '/cancel',
  };
  return {
    ...testBank(simulator, paths),
    settings: { ...CLIENT, ...OUTLET, baseUrl: simulator.url, isNotified: true },
    notificationOf: ({ id, ref }): PostedNotification => ({
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        rqUid: 'a'.repeat(32),
        rqTm: '2026-01-01T00:00:00Z',
        memberId: CLIENT.memberId,
        orderId: ref,
        partnerOrderNumber: id,
        orderState: 'PAID',
      }),
    }),
  };
}

function testBank(
  simulator: BankSimulator,
  paths: Readonly<Record<DisturbedCall, string>>,
): Omit<TestBank, 'settings'> {
  const { bank } = simulator;
  return {
    calls: () => simulator.calls(),
    pay: async ({ payload }: Registration) => bank.pay(payload) === undefined,
    giveBackByHand: async ({ ref }, amount) => {
      const fault = bank.refundByHand(ref, amount);
      if (fault !== undefined) throw new Error(fault);
    },
    disturb: async (call, how) => bank.faults.add({ ...FAULTS[how], path: paths[call] }),
    books: async () =>
      bank.books().map(({ order, ref, status, amount, paid, returned }) => ({
        id: order,
        ref,
        isOpen: ['NEW', 'FORM_SHOWED', 'CREATED'].includes(status),
        amount,
        paid,
        returned,
      })),
    close: () => simulator.close(),
  };
}
