// All ways into a switch that is killed and started again: a question that is lost, or put off, is asked once more, as a
// careful client does.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import { Answers } from '../support/answers.ts';
import {
  type Answer,
  type Api,
  type Body,
  type Encoding,
  HttpParty,
  Lost,
  type Op,
  type Party,
  StreamParty,
} from '../support/client.ts';
import type { SwitchProcess } from '../support/switch-process.ts';

const ENCODINGS: readonly Encoding[] = ['json', 'msgpack'];
/** Streams of each encoding, for each API. */
const STREAMS = 2;
const AGAIN_MS = 20;

export class Doors {
  /** Questions sent, those asked once more among them. */
  sent = 0;
  /** Of those, how many nobody knows the outcome of. */
  lost = 0;
  #running: SwitchProcess;
  #parties: Promise<Readonly<Record<Api, readonly Party[]>>>;

  constructor(running: SwitchProcess) {
    this.#running = running;
    this.#parties = partiesOf(running);
  }

  get running(): SwitchProcess {
    return this.#running;
  }

  /** Kills the switch under whatever is asked, and starts it again. */
  async killAndStart(): Promise<void> {
    const restarted = this.#running.kill().then(() => this.#running.restart());
    this.#parties = restarted.then(partiesOf);
    this.#running = await restarted;
  }

  /** The answer, once there is one. */
  async ask(api: Api, op: Op, body: Body, random: Random): Promise<Answer> {
    for (;;) {
      const party = random.pick((await this.#parties)[api]);
      this.sent += 1;
      const answer = await party.ask(op, body).catch((error: unknown) => {
        if (error instanceof Lost) return null;
        throw error;
      });
      if (answer !== null && answer.status !== 503 && answer.status !== 429) return answer;
      if (answer === null) this.lost += 1;
      await pause(AGAIN_MS);
    }
  }

  async close(): Promise<void> {
    const { terminal, paychannel } = await this.#parties;
    for (const party of [...terminal, ...paychannel]) {
      if (party instanceof StreamParty) await party.close();
    }
  }
}

async function partiesOf(running: SwitchProcess): Promise<Readonly<Record<Api, readonly Party[]>>> {
  const answers = await Answers.of(running.baseUrl);
  const of = async (api: Api): Promise<Party[]> => {
    const { key } = running.demo[api];
    const streams = ENCODINGS.flatMap((encoding) =>
      Array.from({ length: STREAMS }, () =>
        StreamParty.connect(running.baseUrl, api, key, answers, encoding),
      ),
    );
    return [new HttpParty(running.baseUrl, api, key, answers), ...(await Promise.all(streams))];
  };
  return { terminal: await of('terminal'), paychannel: await of('paychannel') };
}
