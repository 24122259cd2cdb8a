// What the switch printed, shown where a test fails.

import { onTestFailed } from 'vitest';
import type { SwitchProcess } from './switch-process.ts';

/** Shows what a switch printed where the running test fails. Call it in the test or in its beforeEach. */
export function showOutputOnFailure(of: () => SwitchProcess | undefined): void {
  onTestFailed(() => {
    process.stderr.write(`--- the switch's output ---\n${of()?.tail() ?? 'none'}\n---\n`);
  });
}
