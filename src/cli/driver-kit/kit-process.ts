// The program of the process in which the conformance kit tries other people's drivers: what such a driver does to it is
// said by whoever has begun it (tried-apart.ts).

import { watched } from '../../drivers/host/held-process.ts';
import { runChecks } from '../../drivers/kit/run-checks.ts';
import type { FromKit } from './kit-messages.ts';
import { subjectIn, whyUntried } from './subjects.ts';

const TURN_MS = 250;

function say(message: FromKit): Promise<void> {
  return new Promise((said) => process.send?.(message, undefined, undefined, () => said()));
}

async function tried(name: string): Promise<FromKit> {
  try {
    await runChecks(await subjectIn(name), {
      begins: (check) => void say({ type: 'begins', check }),
      called: (underWay) => void say({ type: 'called', underWay }),
      report: (checked) => void say({ type: 'checked', checked }),
    });
    return { type: 'ended' };
  } catch (error) {
    const why = whyUntried(error);
    if (why === undefined) throw error;
    return { type: 'untried', why };
  }
}

await watched();
const turn = (): void => void say({ type: 'turns' });
turn();
setInterval(turn, TURN_MS);
await say(await tried(process.argv[2] ?? ''));
// Whatever the driver still holds open.
process.exit(0);
