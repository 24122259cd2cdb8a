// An operator as a program of theirs would be; every answer is held against the switch's own OpenAPI document.

import type { Static } from '@sinclair/typebox';
import type * as agreed from '../../src/protocols/schemas/agreements.ts';
import type * as shown from '../../src/protocols/schemas/operator.ts';
import { type Body, type HttpAnswer, HttpParty } from './client.ts';
import type { World } from './world.ts';

export type Party = Static<typeof shown.newParty>;
export type Key = Static<typeof shown.newKey>;
export type Agreement = Static<typeof agreed.agreement>;

export class OperatorParty {
  readonly #http: HttpParty;
  readonly #world: World;

  constructor(world: World, key: string) {
    this.#world = world;
    this.#http = new HttpParty(world.process.baseUrl, 'terminal', key, world.answers);
  }

  /** Names of the path and the key's header stand in the body. */
  ask(id: string, body: Body = {}): Promise<HttpAnswer> {
    const { method, path } = this.#world.answers.operation(id);
    const { idempotencyKey, ...rest } = { ...body } as Record<string, unknown>;
    const place = path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => {
      const value = String(rest[name]);
      delete rest[name];
      return encodeURIComponent(value);
    });
    const headers: Record<string, string> =
      idempotencyKey === undefined ? {} : { 'Idempotency-Key': String(idempotencyKey) };
    if (method !== 'GET') {
      return this.#http.send(id, method, place, JSON.stringify(rest), headers);
    }
    const query = new URLSearchParams(rest as Record<string, string>);
    return this.#http.send(id, method, query.size === 0 ? place : `${place}?${query}`);
  }

  /** Asks for what must succeed. */
  async done<T>(id: string, body: Body = {}): Promise<T> {
    const answer = await this.ask(id, body);
    if (answer.status >= 300) {
      throw new Error(`${id} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body as T;
  }
}

export interface House {
  readonly institution: Party;
  readonly merchant: Party;
  readonly terminal: Party;
  readonly paychannel: Party;
  /** Keys of operators by their roles. */
  readonly admin: Party;
  readonly viewer: Party;
  readonly merchantAdmin: Party;
}

/** A whole institution with an operator of each role. */
export async function onboardHouse(
  system: OperatorParty,
  name: string,
  mode: 'test' | 'live' = 'live',
): Promise<House> {
  const institution = await system.done<Party>('operator.institution.add', { name, mode });
  const of = { institutionId: institution.id, withKey: true };
  const shop = { institutionId: institution.id, name: `${name} Shop`, city: 'Shelbyville' };
  const merchant = await system.done<Party>('operator.merchant.add', shop);
  const operator = (role: string, more: Body = {}): Promise<Party> =>
    system.done('operator.operator.add', { ...of, ...more, role, name: `${role} of ${name}` });
  return {
    institution,
    merchant,
    terminal: await system.done('operator.terminal.add', {
      merchantId: merchant.id,
      name: 'Till',
      withKey: true,
    }),
    paychannel: await system.done('operator.paychannel.add', { ...of, name: 'Wallet' }),
    admin: await operator('institutionAdmin'),
    viewer: await operator('institutionViewer'),
    merchantAdmin: await operator('merchantAdmin', { merchantId: merchant.id }),
  };
}
