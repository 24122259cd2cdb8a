// The load generator: a process of its own, so that its share of the processor can be told from the switch's.

import { Lifecycles } from './lifecycles.ts';
import type { FromLoad, LoadTask } from './messages.ts';

function say(message: FromLoad): Promise<void> {
  return new Promise((done) => {
    process.send?.(message, () => done());
  });
}

process.once('message', (task: LoadTask) => {
  void new Lifecycles(task)
    .run({
      windowOpened: () => void say({ type: 'windowOpened' }),
      windowClosed: () => void say({ type: 'windowClosed' }),
    })
    .then(
      (outcome) => say({ type: 'done', outcome }),
      (error: unknown) =>
        say({ type: 'failed', reason: error instanceof Error ? error.message : String(error) }),
    )
    .then(() => process.disconnect());
});
