// The batches of a gateway: so many at once, and so many of them one terminal’s.

import type { Principal } from '../../switch/principal.ts';
import { Batch, type BatchContext } from './batch.ts';
import type { Exchange } from './exchange.ts';

const LINES_TYPE = /^application\/(?:x-ndjson|ndjson|jsonl)\s*(?:;|$)/i;

export class Batches {
  readonly #context: BatchContext;
  readonly #underWayByTerminal = new Map<string, number>();
  #underWay = 0;

  constructor(context: BatchContext) {
    this.#context = context;
  }

  /** Begins a batch, or refuses it before anything is done. */
  take(exchange: Exchange, principal: Principal): void {
    const { contentType } = exchange.incoming;
    const { batches, batchesPerTerminal } = this.#context.options.limits;
    const { id } = principal;
    const own = this.#underWayByTerminal.get(id) ?? 0;
    if (contentType !== '' && !LINES_TYPE.test(contentType)) {
      const detail = 'Send the lines as `Content-Type: application/x-ndjson`.';
      exchange.refuse({ code: 'request.unsupportedType', detail });
    } else if (this.#underWay >= batches) {
      exchange.refuse({ code: 'overloaded' });
    } else if (own >= batchesPerTerminal) {
      const detail = `This terminal has ${own} batches under way. Nothing of this one was done.`;
      exchange.refuse({ code: 'rate.limited', detail });
    } else {
      this.#begin(exchange, principal);
    }
  }

  #begin(exchange: Exchange, principal: Principal): void {
    const { id } = principal;
    this.#underWay += 1;
    this.#underWayByTerminal.set(id, (this.#underWayByTerminal.get(id) ?? 0) + 1);
    const onOver = (): void => {
      this.#underWay -= 1;
      const left = (this.#underWayByTerminal.get(id) ?? 1) - 1;
      if (left === 0) this.#underWayByTerminal.delete(id);
      else this.#underWayByTerminal.set(id, left);
    };
    new Batch({ context: this.#context, exchange, principal, onOver }).start();
  }
}
