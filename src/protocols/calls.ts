// Every HTTP call, in one table: the gateway routes by it and the OpenAPI document is generated from it.

import { Type } from '@sinclair/typebox';
import type { Call, CallAnswer } from './call.ts';
import { deskCalls } from './desk-calls.ts';
import { operatorCalls } from './operator-calls.ts';
import { paychannelCalls } from './paychannel-calls.ts';
import { payingCalls } from './paying-calls.ts';
import * as shown from './schemas/responses.ts';
import { terminalCalls } from './terminal-calls.ts';

const page = (description: string): CallAnswer => ({
  description,
  schema: Type.String(),
  contentType: 'text/html; charset=utf-8',
});

function publicCall(id: string, path: string, summary: string, answers: Call['answers']): Call {
  return { id, method: 'GET', path, api: 'everyone', summary, answers };
}

const publicCalls: readonly Call[] = [
  publicCall('health', '/healthz', 'Is the process alive?', {
    200: { description: 'Yes.', schema: Type.Object({ status: Type.Literal('ok') }) },
  }),
  publicCall('ready', '/readyz', 'Does it serve?', {
    200: { description: 'Stores in reach, shards owned.', schema: shown.ready },
    503: { description: 'Not now, and why.', schema: shown.ready },
  }),
  publicCall('metrics', '/metrics', 'Metrics for Prometheus', {
    200: {
      description: 'Text format.',
      schema: Type.String(),
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    },
  }),
  publicCall('openapi', '/openapi.json', 'This document', {
    200: { description: 'OpenAPI 3.1.', schema: Type.Object({}) },
  }),
  publicCall('docs', '/docs', 'The calls as a page', { 200: page('The page.') }),
  publicCall('docs.errors', '/docs/errors', 'All problems as a table', { 200: page('The page.') }),
  publicCall('problem', '/problems/{code}', 'What a problem means and what to do', {
    200: page('The page.'),
    404: page('No such code.'),
  }),
  {
    ...publicCall('bill.page', '/q/{billId}', 'What a plain camera opens: the bill’s page', {
      200: page(
        'Merchant, amount and state; while it can be paid, its code and the names of the wallets that pay it.',
      ),
      404: page('No such bill.'),
    }),
    description:
      'The bill’s id, or as in the code: `{id}.{tag}`, where a tag that is not the code’s own is no such bill.',
  },
];

/** Posted by banks: no key comes with it, and nothing that it says is believed. */
const notificationCall: Call = {
  id: 'acquirer.notify',
  method: 'POST',
  path: '/v1/acquirers/notifications/{token}',
  api: 'everyone',
  summary: 'Where a bank notifies of a bill paid through its own QR system',
  description:
    'For the bank alone, in the bank’s own form: a reason to ask it, and nothing more. The answer is the one that the bank waits for.',
  answers: {
    200: {
      description: 'In the bank’s own form.',
      schema: Type.String(),
      contentType: 'text/plain',
    },
  },
  problems: ['route.notFound', 'body.tooLarge', 'overloaded'],
};

export const calls: readonly Call[] = [
  ...terminalCalls,
  ...paychannelCalls,
  ...operatorCalls,
  ...deskCalls,
  ...payingCalls,
  ...publicCalls,
  notificationCall,
];
