// Endpoints of holders without a socket, looked after by an operator: registered, given new secrets, taken away, and what
// they have refused sent again, through the operators' API and as badly as the weather is.

import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { EndpointPlan, EndpointStory } from './endpoints.ts';
import { type Hook, HookReceiver } from './hook-receiver.ts';

const CALLS = '/v1/operator/webhooks';
const TIMEOUT_MS = 4_000;
const AGAIN_MS = 300;
/** Long enough for a rotation to reach a switch that was paused, and short enough to end in a run of minutes. */
const OVERLAP_S = 45;
const LETTERS_AT_ONCE = 100;

type IsPatient = () => boolean;

/** Who has events posted to them. */
export interface Holder {
  readonly id: string;
  /** As evidence names it, and those whose events it gets. */
  readonly name: string;
  readonly recipients: readonly string[];
  readonly hear: Hook['hear'];
}

export class Hooks {
  /** All that were ever told, and the paths, which may hold some. */
  readonly secrets: string[] = [];
  readonly stories: EndpointStory[] = [];
  readonly receiver: HookReceiver;
  readonly #random: Random;
  readonly #switch: { readonly port: number; readonly key: string };

  private constructor(receiver: HookReceiver, at: { port: number; key: string }, random: Random) {
    this.receiver = receiver;
    this.#switch = at;
    this.#random = random;
  }

  /** `at`: where the switch is reached, and the key of an operator. */
  static async start(at: { port: number; key: string }, random: Random): Promise<Hooks> {
    return new Hooks(await HookReceiver.start(random), at, random);
  }

  /** Asks until it is done; null where patience ends first, which leaves an endpoint that nobody answers for. */
  async open(holder: Holder, plan: EndpointPlan, isPatient: IsPatient): Promise<Hook | null> {
    const path = `/hook-${this.stories.length + 1}-${this.#random.next().toString(36)}`;
    this.secrets.push(path);
    const { name, recipients, hear } = holder;
    const kept = { secrets: [], postings: [], dead: [], resent: [] };
    const story: EndpointStory = {
      id: '',
      holder: name,
      recipients,
      plan,
      ...kept,
      closedAt: null,
    };
    this.stories.push(story);
    const hook: Hook = { path, story, hear, refused: new Set(), downUntil: 0 };
    const url = this.receiver.add(hook);
    const way = plan.driver === 'webhook' ? { url } : { driver: plan.driver, settings: { url } };
    const types = plan.eventTypes === null ? {} : { eventTypes: plan.eventTypes };
    const body = { holderId: holder.id, ...way, ...types };
    const made = await this.#done<Made>('POST', CALLS, body, isPatient);
    if (made === null) return null;
    story.id = made.id;
    if (this.#learn(hook, made)) return hook;
    // A repeat of a call whose answer was lost does not tell the secret.
    return (await this.rotate(hook, isPatient)) ? hook : null;
  }

  /** Gives it another secret; both are good for a while. */
  async rotate(hook: Hook, isPatient: IsPatient): Promise<boolean> {
    while (isPatient()) {
      const body = { overlapSeconds: OVERLAP_S };
      const path = `${CALLS}/${hook.story.id}/rotate`;
      const made = await this.#done<Made>('POST', path, body, isPatient);
      if (made !== null && this.#learn(hook, made)) return true;
    }
    return false;
  }

  /** Takes it away; what is on its way may still come. */
  async close({ story }: Hook, isPatient: IsPatient): Promise<void> {
    if (!isPatient()) return;
    story.closedAt = Date.now();
    await this.#done('DELETE', `${CALLS}/${story.id}`, null, isPatient);
  }

  /** Has sent again what the endpoint has refused: some of what is listed, or all. */
  async resend({ story, refused }: Hook, isPatient: IsPatient): Promise<void> {
    const path = `${CALLS}/${story.id}`;
    const list = `${path}/dead-letters?limit=${LETTERS_AT_ONCE}`;
    const listed = await this.#done<{ items: readonly Made[] }>('GET', list, null, isPatient);
    if (listed === null) return;
    const at = Date.now();
    for (const { id: eventId } of listed.items) story.dead.push({ eventId, at });
    const isAll = this.#random.chance(0.5);
    const named = listed.items.map(({ id }) => id).filter(() => this.#random.chance(0.7));
    // Even with nothing to send again, the call has the sender look for what it owes.
    if (!isAll && named.length === 0) return;
    for (const eventId of isAll ? [...refused] : named) {
      refused.delete(eventId);
      story.resent.push({ eventId, at: Date.now() });
    }
    await this.#done('POST', `${path}/resend`, isAll ? {} : { eventIds: named }, isPatient);
  }

  #learn({ story }: Hook, { secret, secrets }: Made): boolean {
    const [newest] = secrets ?? [];
    if (typeof secret !== 'string' || newest === undefined) return false;
    for (const known of story.secrets) {
      const shown = secrets?.find(({ id }) => id === known.id);
      // What is not shown any more has ended.
      if (shown === undefined) known.until ??= Date.now();
      else known.until = shown.endsAt === null ? null : Date.parse(shown.endsAt);
    }
    story.secrets.push({ id: newest.id, text: secret, since: Date.now(), until: null });
    this.secrets.push(secret);
    return true;
  }

  async #done<Answer>(
    method: string,
    path: string,
    body: object | null,
    isPatient: IsPatient,
  ): Promise<Answer | null> {
    const once = `hook-${this.#random.next()}-${this.#random.next()}`;
    while (isPatient()) {
      const said = await this.#ask({ method, path, body, once }).catch(() => null);
      if (said !== null && said.status < 300) {
        return (said.text === '' ? {} : JSON.parse(said.text)) as Answer;
      }
      // An earlier attempt has taken it away.
      if (method === 'DELETE' && said?.status === 404) return {} as Answer;
      if (said !== null && said.status < 500 && said.status !== 429) {
        throw new Error(`${method} ${path} was answered ${said.status} ${said.text}`);
      }
      await pause(AGAIN_MS);
    }
    return null;
  }

  async #ask(call: {
    readonly method: string;
    readonly path: string;
    readonly body: object | null;
    readonly once: string;
  }): Promise<{ readonly status: number; readonly text: string }> {
    const { method, path, body, once } = call;
    const content = body === null ? {} : { body: JSON.stringify(body) };
    const type = body === null ? {} : { 'Content-Type': 'application/json' };
    const key = method === 'GET' ? {} : { 'Idempotency-Key': once };
    const authorization = `Bearer ${this.#switch.key}`;
    const answer = await fetch(`http://127.0.0.1:${this.#switch.port}${path}`, {
      method,
      headers: { Authorization: authorization, ...key, ...type },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...content,
    });
    return { status: answer.status, text: await answer.text() };
  }
}

interface Made {
  readonly id: string;
  readonly secret?: string | null;
  readonly secrets?: readonly { readonly id: string; readonly endsAt: string | null }[];
}
