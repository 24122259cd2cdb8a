// The load generator: a process of its own, so that its share of the processor can be told from the switch's.

import { Batches } from './batches.ts';
import { Echoes } from './echoes.ts';
import { Fill } from './fill.ts';
import { HotBill } from './hot-bill.ts';
import { Lifecycles } from './lifecycles.ts';
import type { FromLoad, LoadOutcome, LoadTask } from './messages.ts';
import { OpenLoop } from './open-loop.ts';
import type { WindowListener } from './window.ts';

interface Load {
  run(on: WindowListener): Promise<LoadOutcome>;
}

const loads: Record<LoadTask['kind'], (task: LoadTask) => Load> = {
  lifecycles: (task) => new Lifecycles(task),
  echo: (task) => new Echoes(task),
  hot: (task) => new HotBill(task),
  open: (task) => new OpenLoop(task),
  fill: (task) => new Fill(task),
  batch: (task) => new Batches(task),
};

function say(message: FromLoad): Promise<void> {
  return new Promise((done) => {
    process.send?.(message, () => done());
  });
}

process.once('message', (task: LoadTask) => {
  void loads[task.kind](task)
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
