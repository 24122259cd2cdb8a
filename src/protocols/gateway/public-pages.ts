// What anybody may ask: health, metrics, documents, and the page behind a QR code.

import { type InstitutionId, shardOfBill } from '../../domain/ids.ts';
import type { AcquirerReply } from '../../switch/acquirers.ts';
import { billAwayPage, billPage, noBillPage, type PageBody, type PayBy } from '../bill-page.ts';
import { docsPage } from '../docs-page.ts';
import { HTML_TYPE, PAGE_HEADERS } from '../html.ts';
import { openApiDocument } from '../openapi.ts';
import { problemPage, problemsTablePage, unknownProblemPage } from '../problem-pages.ts';
import { isProblemCode } from '../problems.ts';
import { ask } from './asking.ts';
import { drawCode } from './codes.ts';
import { type Exchange, type Headers, JSON_TYPE } from './exchange.ts';
import type { PublicHandler } from './http.ts';
import { KnownWallets } from './known-wallets.ts';
import type { GatewaySurroundings, PublicOptions, ReadingOptions } from './options.ts';
import { when } from './wall.ts';

type PageOptions = GatewaySurroundings & ReadingOptions & PublicOptions;

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Every thread is asked for its own, and each has its time to answer. */
const METRICS_MS = 10_000;
const ALIVE = JSON.stringify({ status: 'ok' });

export function publicHandlers(options: PageOptions): ReadonlyMap<string, PublicHandler> {
  const openapi = once(() => JSON.stringify(openApiDocument(options.publicBaseUrl)));
  const docs = once(docsPage);
  const errors = once(problemsTablePage);
  return new Map<string, PublicHandler>([
    ['health', (exchange) => exchange.send(200, JSON_TYPE, ALIVE)],
    [
      'ready',
      (exchange) => {
        const readiness = options.ready();
        const body = JSON.stringify(readiness);
        if (readiness.ready) exchange.send(200, JSON_TYPE, body);
        else exchange.send(503, JSON_TYPE, body, RETRY_SOON);
      },
    ],
    ['metrics', sendMetrics(options)],
    ['openapi', (exchange) => exchange.send(200, JSON_TYPE, openapi())],
    ['docs', (exchange) => sendPage(exchange, 200, docs())],
    ['docs.errors', (exchange) => sendPage(exchange, 200, errors())],
    [
      'problem',
      (exchange) => {
        const code = exchange.incoming.params.code ?? '';
        if (isProblemCode(code)) sendPage(exchange, 200, problemPage(code));
        else sendPage(exchange, 404, unknownProblemPage());
      },
    ],
    ['bill.page', billPages(options)],
    ['acquirer.notify', takeNotification(options)],
  ]);
}

/** What few ask for is written for the first who does: a start has no time for it. */
function once(write: () => string): () => string {
  let written: string | undefined;
  return () => {
    written ??= write();
    return written;
  };
}

/** Room for the densest code; the page shows it at its own size. */
const CODE_SIZE = 512;
/** Some 6 KB each. */
const CODES_KEPT = 500;

const RETRY_SOON = [['Retry-After', '1']] as const;

function takeNotification({ acquirers, postToAcquirer }: PageOptions): PublicHandler {
  const tokens = new Set(acquirers.map(({ notificationToken }) => notificationToken));
  return (exchange) => {
    const { params, headers = {} } = exchange.incoming;
    const { token = '' } = params;
    // Of a stranger no body is read.
    if (!tokens.has(token)) {
      exchange.refuse({ code: 'route.notFound' });
      return;
    }
    exchange.readBody(() => {
      const posted = { headers, body: exchange.body.toString('utf8') };
      when(exchange, postToAcquirer(token, posted), (reply) => {
        if (reply === null) exchange.refuse({ code: 'route.notFound' });
        else if (reply === undefined) exchange.refuse({ code: 'overloaded' });
        else {
          exchange.send(reply.status, typeOf(reply), reply.body);
        }
      });
    });
  };
}

const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:;[\x20-\x7e]*)?$/;

/** The one header that a driver may set: others would speak for the switch, and a line end would begin one. */
function typeOf({ headers }: AcquirerReply): string {
  const type = headers['content-type'] ?? '';
  return type.length <= 200 && MEDIA_TYPE.test(type) ? type : 'text/plain';
}

function sendPage(
  exchange: Exchange,
  status: number,
  page: string,
  headers: Headers = PAGE_HEADERS,
): void {
  exchange.send(status, HTML_TYPE, page, headers);
}

/** A bill may be paid the moment after it was looked at. */
const BILL_HEADERS: Headers = [...PAGE_HEADERS, ['Cache-Control', 'no-store']];

/** One collection is under way at a time, for all who ask meanwhile. */
function sendMetrics({ metricsText, clock, log }: PageOptions): PublicHandler {
  let underWay: Promise<string | null> | null = null;
  const collect = async (): Promise<string | null> => {
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, tooLate) => {
      cancel = clock.after(METRICS_MS, () => tooLate(new Error('it takes too long')));
    });
    try {
      return await Promise.race([metricsText(), late]);
    } catch (error) {
      log.error({ err: error }, 'metrics could not be gathered');
      return null;
    } finally {
      cancel();
      underWay = null;
    }
  };
  return (exchange) => {
    underWay ??= collect();
    when(exchange, underWay, (text) => {
      if (text === null) exchange.refuse({ code: 'internal' });
      else exchange.send(200, METRICS_TYPE, text);
    });
  };
}

function billPages(options: PageOptions): PublicHandler {
  const known = new KnownWallets(options);
  const codeOf = keptCodes();
  const payBy = async (page: PageBody): Promise<PayBy> => {
    const { institutionId, isByAcquirer, payload } = page;
    if (payload === null) return NOTHING_TO_PAY;
    const code = codeOf(payload);
    return isByAcquirer
      ? { ...NOTHING_TO_PAY, code }
      : { code, wallets: await known.of(institutionId as InstitutionId) };
  };
  return (exchange) => sendBillPage(options, exchange, payBy);
}

const NOTHING_TO_PAY: PayBy = { code: '', wallets: { names: [], isMore: false } };

/** Drawing takes longer than all else of a page, and who opens one opens it again. */
function keptCodes(): (payload: string) => string {
  const kept = new Map<string, string>();
  return (payload) => {
    let code = kept.get(payload);
    if (code !== undefined) return code;
    const drawn = drawCode(payload, 'svg', { size: CODE_SIZE });
    code = 'body' in drawn ? drawn.body.toString() : '';
    kept.set(payload, code);
    const [oldest] = kept.keys();
    if (kept.size > CODES_KEPT && oldest !== undefined) kept.delete(oldest);
    return code;
  };
}

function sendBillPage(
  options: PageOptions,
  exchange: Exchange,
  payBy: (page: PageBody) => Promise<PayBy>,
): void {
  const { door } = options;
  const { params, requestId } = exchange.incoming;
  // The address is a code itself, with or without its tag.
  const reading = options.codes.read(`${options.publicBaseUrl}/q/${params.billId ?? ''}`);
  if (typeof reading === 'string' || shardOfBill(reading.billId) >= door.shards) {
    sendPage(exchange, 404, noBillPage());
    return;
  }
  const { billId } = reading;
  const request = {
    shard: shardOfBill(billId),
    principal: null,
    requestId,
    encoding: 'json',
    operation: { op: 'bill.page', billId },
  } as const;
  const reply = (status: number, body: Uint8Array): void => {
    if (status === 200) {
      const page = JSON.parse(Buffer.from(body).toString('utf8')) as PageBody;
      when(exchange, payBy(page), (by) =>
        sendPage(exchange, 200, billPage(page, by), BILL_HEADERS),
      );
    } else if (status === 404) {
      sendPage(exchange, 404, noBillPage(), BILL_HEADERS);
    } else {
      exchange.send(503, HTML_TYPE, billAwayPage(), [...BILL_HEADERS, ...RETRY_SOON]);
    }
  };
  ask(options, request, { reply, failed: (error) => exchange.failed(error) });
}
