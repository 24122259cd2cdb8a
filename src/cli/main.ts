#!/usr/bin/env node
// The `qrswitch` command. What it can do stands in program.ts.

import { run } from './program.ts';

const code = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  kitProgram: new URL('./driver-kit/kit-process.js', import.meta.url),
});
// No process.exit: what is still being written, or served, comes to its own end.
if (code !== 0) process.exitCode = code;
