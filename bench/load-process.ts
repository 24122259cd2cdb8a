// Starts the load generator, takes the processor's readings where its window opens and closes, and brings its outcome.

import { fork } from 'node:child_process';
import { type CpuUse, difference, processUse } from './cpu.ts';
import type { FromLoad, LoadOutcome, LoadTask } from './load/messages.ts';

export interface LoadRun {
  readonly outcome: LoadOutcome;
  /** Nanoseconds by process and thread within the window, the generator's own included. */
  readonly used: ReadonlyMap<string, number>;
}

export function runLoad(task: LoadTask, readUse: () => CpuUse): Promise<LoadRun> {
  return new Promise((done, fail) => {
    const child = fork(new URL('./load/generator.js', import.meta.url), { execArgv: [] });
    const pid = child.pid ?? 0;
    let before: CpuUse = new Map();
    let used: ReadonlyMap<string, number> = new Map();
    const read = (): CpuUse => new Map([...readUse(), ...processUse(pid, 'load generator')]);
    child.on('message', (message: FromLoad) => {
      switch (message.type) {
        case 'windowOpened':
          before = read();
          break;
        case 'windowClosed':
          used = difference(before, read());
          break;
        case 'done':
          done({ outcome: message.outcome, used });
          break;
        case 'failed':
          fail(new Error(`the load generator: ${message.reason}`));
          break;
      }
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the load generator ended with ${code}`)));
    child.send(task);
  });
}
