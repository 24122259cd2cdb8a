// Counts what lifecycles cost, and prints it as JSON. Run by guard.test.ts in a process of its own: its young generation
// takes all that is allocated meanwhile, so that what has been allocated is how far the heap has grown, and V8 does not
// optimise, so that code allocates as it is written, however warm it is. (Optimised it allocates a quarter less, and
// differs three times as much from run to run.)

import { PerformanceObserver } from 'node:perf_hooks';
import { BenchWorld, type Counts } from './bench-world.ts';
import { Lifecycles } from './lifecycles.ts';

/** Enough for every cache and table to have its size. */
const WARM_UP = 300;
const COUNTED = 2_400;
const ALLOCATING = 200;

export interface Counted extends Counts {
  readonly lifecycles: number;
  /** Bytes of JavaScript objects and of buffers, a lifecycle. */
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

async function count(): Promise<Counted> {
  const world = new BenchWorld();
  const lifecycles = new Lifecycles(world);
  await world.start();
  await lifecycles.open();
  await lifecycles.run(WARM_UP);
  const before = { ...world.counts };
  await lifecycles.run(COUNTED);
  const counts = Object.fromEntries(
    Object.entries(world.counts).map(([name, value]) => [
      name,
      value - before[name as keyof Counts],
    ]),
  ) as unknown as Counts;
  return { ...counts, ...(await allocated(lifecycles)), lifecycles: COUNTED };
}

async function allocated(
  lifecycles: Lifecycles,
): Promise<Pick<Counted, 'heapBytes' | 'bufferBytes'>> {
  if (global.gc === undefined) throw new Error('run with --expose-gc');
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  global.gc();
  await turn();
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage();
  await lifecycles.run(ALLOCATING);
  const after = process.memoryUsage();
  await turn();
  observer.disconnect();
  if (collections > 0) throw new Error('something was collected: nothing can be said');
  return {
    heapBytes: (after.heapUsed - before.heapUsed) / ALLOCATING,
    bufferBytes: (after.arrayBuffers - before.arrayBuffers) / ALLOCATING,
  };
}

function turn(): Promise<void> {
  return new Promise((done) => setTimeout(done, 10));
}

process.stdout.write(JSON.stringify(await count()));
