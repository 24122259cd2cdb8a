// What an endpoint's answers mean for what comes after: acknowledged meanwhile, or nobody there any more.

import { describe, expect, test } from 'vitest';
import { NOON } from '../../../tests/support/bill-fixtures.ts';
import {
  endpointNo,
  LATER,
  openDeliverer,
  SLOW_MS,
  TAKEN,
} from '../../../tests/support/slow-deliverer.ts';
import { eventNo, idOf } from '../../../tests/support/stream-events.ts';
import { plus, SECOND_MS } from '../../domain/time.ts';
import type { WebhookState } from '../../switch/webhooks/ports.ts';
import type { Delivered } from '../../switch/webhooks/ways.ts';

const first = eventNo(1);
const second = eventNo(1, { no: 2, occurredAt: plus(NOON, 2) });

describe('an event that is acknowledged by another way while its attempt is under way', () => {
  async function acknowledgedMeanwhile(ends: Delivered) {
    let end = (_: Delivered): void => undefined;
    const opened = await openDeliverer({
      pending: [first, second],
      answer: (_, id) =>
        id === idOf(second)
          ? TAKEN
          : new Promise((done) => {
              end = done;
            }),
    });
    expect(opened.posted()).toEqual([idOf(first)]);
    opened.acknowledged(first);
    end(ends);
    await opened.clock.pass(SLOW_MS);
    return opened;
  }

  test('holds up nothing where that attempt fails', async () => {
    const { posted } = await acknowledgedMeanwhile(LATER);
    expect(posted()).toEqual([idOf(first), idOf(second)]);
  });

  test('is no dead letter where it is refused', async () => {
    const { letters, posted, clock } = await acknowledgedMeanwhile({ is: 'refused', said: 'no' });
    await clock.pass(5 * SLOW_MS);
    expect(letters.of('endpoint-1', 'dead')).toEqual([]);
    expect(posted()).toEqual([idOf(first), idOf(second)]);
  });
});

describe('an attempt that a mistake of ours ends', () => {
  test('is told of and made again, and the next endpoint has its own', async () => {
    let mistakes = 1;
    const { posted, warned, clock } = await openDeliverer({
      endpoints: 2,
      pending: [first],
      answer: (id) => {
        if (id === 'endpoint-2') return TAKEN;
        mistakes -= 1;
        if (mistakes >= 0) throw new TypeError('planted');
        return TAKEN;
      },
    });
    await clock.pass(5 * SLOW_MS);
    expect(posted()).toEqual([idOf(first), idOf(first)]);
    expect(posted(2)).toEqual([idOf(first)]);
    expect(warned).toContain('webhook.defect');
  });
});

describe('an endpoint that says it is gone', () => {
  async function gone(failures: number) {
    const is: { answer: Delivered; state: WebhookState } = {
      answer: { is: 'gone', said: 'answered 410' },
      state: 'active',
    };
    let left = failures;
    const opened = await openDeliverer({
      pending: [first],
      answer: () => is.answer,
      book: {
        endpoints: async () => [{ ...endpointNo(1), state: is.state }],
        disable: async () => {
          left -= 1;
          if (left >= 0) throw new Error('Postgres is away');
          is.state = 'disabled';
        },
      },
    });
    expect(opened.posted()).toEqual([idOf(first)]);
    return { ...opened, is };
  }

  test('is disabled once that can be noted, and is sent nothing before', async () => {
    const { deliverer, clock, posted, is } = await gone(3);
    deliverer.look();
    await clock.pass(1.5 * SECOND_MS);
    deliverer.look();
    await clock.pass(5 * SECOND_MS);
    expect(is.state).toBe('disabled');
    expect(posted()).toEqual([idOf(first)]);
  });

  test('is sent what came meanwhile once it has passed a test, however soon that was', async () => {
    const { deliverer, clock, posted, is, live } = await gone(0);
    live(second);
    is.answer = TAKEN;
    is.state = 'active';
    deliverer.look();
    await clock.pass(60 * SECOND_MS);
    // The one may come twice: what was under way to be acknowledged is read anew.
    expect([...new Set(posted().slice(1))]).toEqual([idOf(first), idOf(second)]);
  });
});
