// A process that ends with whoever has begun it, whatever it does: `forkHeld` is the host's side, `watched` its own.

import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { HOST_LINE } from './messages.ts';

export function forkHeld(
  program: URL,
  args: readonly string[],
  options: Omit<ForkOptions, 'stdio'>,
): ChildProcess {
  const child = fork(fileURLToPath(program), args, {
    ...options,
    // Standard output is the log, or a command's answer: what a driver prints is no line of it. The last, at HOST_LINE, is
    // what it is held by.
    stdio: ['ignore', 2, 2, 'ipc', 'pipe'],
  });
  // It breaks with the process, of whose end is told elsewhere; there is none where the process was never begun.
  child.stdio?.[HOST_LINE]?.on('error', () => undefined);
  return child;
}

/** Resolves once this process ends with its host: before, nothing is to run that might not give back its processor. */
export async function watched(): Promise<void> {
  const watch = new Worker(new URL('./driver-watch.js', import.meta.url));
  watch.unref();
  await once(watch, 'message');
}
