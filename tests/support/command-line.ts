// The `qrswitch` command, run in the test's own process: what it wrote, and the code it ended with.

import { Writable } from 'node:stream';
import { run } from '../../src/cli/program.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function qrswitch(...argv: string[]): Promise<Outcome> {
  const stdout = new Kept();
  const stderr = new Kept();
  const code = await run(argv, { stdout, stderr });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

class Kept extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
