// A way of delivery of somebody's own, loaded into a thread of its own: webhooks whose receivers may refuse an event for
// good, which makes it a dead letter at once.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from '../support/switch-process.ts';
import { NEVER } from './hook-receiver.ts';

/** Writes the driver and the list that names it; answers where that is. */
export function writeChoosyDriver(folder: string): string {
  const webhooks = pathToFileURL(join(DIST, 'drivers/webhook/driver.js')).href;
  writeFileSync(
    join(folder, 'choosy.mjs'),
    `import { paychannelWebhook, terminalWebhook } from ${JSON.stringify(webhooks)};
    const choosy = (module) => ({
      ...module,
      name: 'choosy',
      make: (settings, surroundings) => {
        const made = module.make(settings, surroundings);
        const deliver = async (receiver, message) => {
          const { as, ...delivered } = await made.deliver(receiver, message);
          if (delivered.said !== 'answered ${NEVER}') return delivered;
          return { is: 'refused', said: delivered.said };
        };
        return { ...made, deliver };
      },
    });
    export const driver = [terminalWebhook, paychannelWebhook].map(choosy);`,
  );
  const file = join(folder, 'drivers.json');
  const entry = { name: 'choosy', package: './choosy.mjs', settings: { allow: ['127.0.0.0/8'] } };
  const kinds = ['terminal', 'paychannel'] as const;
  writeFileSync(file, JSON.stringify(kinds.map((kind) => ({ kind, ...entry }))));
  return file;
}
