// Brings up stores and switch, and takes them down whatever happens.

import type { Settings } from './settings.ts';
import { type Stores, startStores } from './stores.ts';
import { type SwitchProcess, startSwitch } from './switch-process.ts';

/** A failure comes with the switch's last words. */
export async function withSwitch(
  settings: Settings,
  nodeFlags: readonly string[],
  use: (stores: Stores, under: SwitchProcess) => Promise<void>,
): Promise<void> {
  await withStores(settings, async (stores) => {
    say('starting the switch');
    const flags = [...settings.nodeFlags, ...nodeFlags];
    const under = await startSwitch({ ...settings, stores, nodeFlags: flags });
    try {
      await use(stores, under);
    } catch (error) {
      say(`the switch's log ends so:\n${await under.logTail()}`);
      throw error;
    } finally {
      say('stopping');
      await under.stop();
    }
  });
}

export async function withStores(
  settings: Pick<Settings, 'fsyncDelayMs'>,
  use: (stores: Stores) => Promise<void>,
): Promise<void> {
  const slowed =
    settings.fsyncDelayMs > 0 ? `, with ${settings.fsyncDelayMs} ms added to every sync` : '';
  say(`starting Redis and Postgres${slowed}`);
  const stores = await startStores({ fsyncDelayMs: settings.fsyncDelayMs });
  try {
    await use(stores);
  } finally {
    await stores.stop();
  }
}

/** Progress, for whoever waits. */
export function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}
