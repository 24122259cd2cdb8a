import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtProgram } from '../../../tests/support/built-program.ts';
import { isAlive, seeProcess } from '../../persistence/processes.ts';

/** Spins, once it has noted its process: when it is made, or when it is asked. */
const DRIVER = `
import { writeFileSync } from 'node:fs';
import { Type } from '@sinclair/typebox';
const spin = (note) => { writeFileSync(note, process.pid + '.'); for (;;); };
const none = async () => ({ outcome: 'unknown', detail: '', afterMs: 0 });
export const driver = {
  contract: 1, kind: 'bill', name: 'spinner',
  settings: Type.Object({ note: Type.String(), when: Type.String() }, { additionalProperties: false }),
  make: ({ note, when }) => {
    if (when === 'made') spin(note);
    return {
      capabilities: {
        hold: false, partialRefund: true, closesByItself: true, notifications: 'none', currencies: ['RUB'],
        amountMin: 1, amountMax: 100, lifetimeMinMs: 0, lifetimeMaxMs: 1000,
      },
      look: () => spin(note),
      register: none, cancel: none, refund: none, readNotification: none, close: none,
    };
  },
};
`;

const HOST = `
import { hostDriver } from './host-driver.js';
const [, , note, when] = process.argv;
const driver = await hostDriver({
  program: new URL('./driver-process.js', import.meta.url),
  name: null,
  specifier: new URL('./driver.mjs', import.meta.url).href,
  settings: { note, when },
  clock: {
    wall: Date.now,
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  },
  callMs: 600_000,
  callsMax: 10,
  memoryMb: 64,
  report: () => {},
});
await driver.look({});
`;

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrswitch-watch-'));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'driver.mjs'), DRIVER);
  writeFileSync(join(folder, 'host.mjs'), HOST);
  await builtProgram('driver-process', folder);
  await builtProgram('host-driver', folder);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Whole where it ends with its stop; else 0. */
function notedIn(file: string): number {
  try {
    return Number(/^(\d+)\.$/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Not one of which only its parent has not heard yet that it has ended. */
function runs(pid: number): boolean {
  return isAlive(pid) && seeProcess(pid)?.isZombie !== true;
}

describe('a driver that never gives back its processor', () => {
  test.each(['made', 'asked'])('ends with a host that is killed: %s', async (when) => {
    const note = join(folder, when);
    const host = spawn(process.execPath, [join(folder, 'host.mjs'), note, when], {
      stdio: 'ignore',
    });
    try {
      await expect.poll(() => notedIn(note)).toBeGreaterThan(0);
      expect(runs(notedIn(note))).toBe(true);
      host.kill('SIGKILL');

      await expect.poll(() => runs(notedIn(note))).toBe(false);
    } finally {
      host.kill('SIGKILL');
      if (runs(notedIn(note))) process.kill(notedIn(note), 'SIGKILL');
    }
  });
});
