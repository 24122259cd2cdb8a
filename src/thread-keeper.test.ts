import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { KeptThread } from './thread-keeper.ts';

const folder = mkdtempSync(join(tmpdir(), 'qrswitch-kept-'));
const file = join(folder, 'thread.mjs');
writeFileSync(
  file,
  `import { parentPort, workerData } from 'node:worker_threads';
const kept = [];
parentPort.on('message', (message) => {
  if (message.type === 'die') throw new Error('killed by the test');
  if (message.type === 'keep') kept.push(message.word);
  if (message.type === 'tell') parentPort.postMessage({ type: 'told', seq: message.seq, snapshot: [workerData.life, ...kept] });
  if (message.type === 'drain') parentPort.close();
});
parentPort.postMessage({ type: 'begun', life: workerData.life });
`,
);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

type To =
  | { readonly type: 'keep'; readonly word: string }
  | { readonly type: 'die' }
  | { readonly type: 'lookAway'; readonly seq: number };
type From =
  | { readonly type: 'begun'; readonly life: number }
  | { readonly type: 'told'; readonly seq: number; readonly snapshot: [] };

/** A thread, and what comes of it: `said` resolves with the number of its next life. */
function kept() {
  let life = 0;
  const ended: string[] = [];
  const begun: ((life: number) => void)[] = [];
  const thread = new KeptThread<To, From>({
    program: pathToFileURL(file).href,
    task: () => {
      life += 1;
      return { life };
    },
    restartMs: 1,
    hear: (message, say) => {
      say({ type: 'keep', word: `greeted ${message.life}` });
      begun.shift()?.(message.life);
    },
    ended: (reason) => ended.push(reason),
  });
  const next = (): Promise<number> => new Promise((done) => begun.push(done));
  onTestFinished(() => thread.stop());
  return { thread, ended, next };
}

describe('a kept thread', () => {
  test('is greeted when it begins, and tells what it is asked', async () => {
    const { thread, next } = kept();
    const begun = next();
    thread.start();
    thread.start();
    await begun;
    thread.send(() => ({ type: 'keep', word: 'more' }));

    expect(await thread.tell()).toEqual([1, 'greeted 1', 'more']);
  });

  test('is begun anew when it dies, and whoever keeps it knows why', async () => {
    const { thread, ended, next } = kept();
    const first = next();
    thread.start();
    await first;
    const second = next();
    thread.send(() => ({ type: 'die' }));

    expect(await second).toBe(2);
    expect(ended).toEqual(['killed by the test']);
    expect(await thread.tell()).toEqual([2, 'greeted 2']);
  });

  test('is not begun again once it has been stopped, and is asked nothing', async () => {
    const { thread, ended, next } = kept();
    const begun = next();
    thread.start();
    await begun;
    await thread.stop();
    thread.start();

    expect(thread.isRunning).toBe(false);
    expect(ended).toEqual([]);
    expect(await thread.tell()).toBeUndefined();
    thread.send(() => {
      throw new Error('made for nobody');
    });
  });

  test('that does not answer is waited for no longer than was said', async () => {
    const { thread, next } = kept();
    const begun = next();
    thread.start();
    await begun;

    expect(await thread.ask(1, (seq) => ({ type: 'lookAway', seq }))).toBeUndefined();
  });
});
