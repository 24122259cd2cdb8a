// A gateway: the public contract on one port. It authenticates, validates, routes by bill and puts encoded answers into
// their frames; shards decide, and write.

import { makeHandlers } from './handlers.ts';
import { HttpFront } from './http.ts';
import { Inboxes } from './inboxes.ts';
import { closeConnections, loadNative, type us_listen_socket } from './native.ts';
import type { GatewayOptions, GatewayStats } from './options.ts';
import { Principals } from './principals.ts';
import type { Session, SessionContext } from './session.ts';
import { CLOSE } from './stream-protocol.ts';
import { Streams } from './streams.ts';

/** Keys of open sockets are judged anew after this time, a few every second. */
const JUDGE_AFTER_MS = 30_000;
const JUDGE_EVERY_MS = 1_000;
const JUDGED_AT_ONCE_MAX = 500;
const DRAIN_POLL_MS = 20;

export interface Gateway {
  readonly port: number;
  stats(): GatewayStats;
  /** Accepts nothing new, answers what is under way (at most `drainMs`), closes WebSockets with 1001. */
  drain(): Promise<void>;
  /** Ends everything at once; the thread may end after it. */
  close(): void;
}

/** Listens. Rejects where the port is taken or the native library did not load. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const native = loadNative();
  const { door, listings, clock, presenter, log, codes, limits } = options;
  const readsAtOnce = limits.reconnectsAtOnce;
  const inboxes = new Inboxes({ door, listings, clock, presenter, log, readsAtOnce });
  const principals = new Principals({
    directory: options.directory,
    clock,
    max: limits.principals,
    inTurnAtOnce: limits.reconnectsAtOnce,
  });
  const reading = { shards: door.shards, codes, wall: () => clock.wall() };
  const sessions = new Set<Session>();
  const polls = new Set<() => void>();
  const handlers = makeHandlers({
    options,
    reading,
    principals,
    events: { door, listings, clock, presenter, inboxes, polls },
    fail: (exchange, error) => front.fail(exchange, error),
  });
  const front = new HttpFront(options, principals, handlers);
  const sessionContext: SessionContext = { options, reading, principals, inboxes, sessions };
  const streams = new Streams(sessionContext);

  const app = native.App();
  streams.listen(app, native, 'terminal');
  streams.listen(app, native, 'paychannel');
  app.any('/*', (res, req) => front.handle(res, req));
  const socket = await new Promise<us_listen_socket>((resolve, reject) => {
    app.listen(options.host, options.port, (listening) => {
      if (listening) resolve(listening);
      else reject(new Error(`cannot listen on ${options.host}:${options.port}: the port is taken`));
    });
  });

  let isListening = true;
  const stopListening = (): void => {
    if (isListening) native.us_listen_socket_close(socket);
    isListening = false;
  };
  let isClosed = false;
  const stopJudging = judgeKeys(sessionContext);
  const close = (): void => {
    stopListening();
    stopJudging();
    streams.drain();
    streams.close(CLOSE.goingAway, 'the switch is stopping');
    front.drain();
    front.abandon();
    inboxes.close();
    if (!isClosed) closeConnections(app);
    isClosed = true;
  };
  return {
    port: native.us_socket_local_port(socket),
    stats: () => statsOf(front, sessions, inboxes),
    drain: async () => {
      stopListening();
      front.drain();
      streams.drain();
      for (const answerNow of [...polls]) answerNow();
      const until = clock.monotonic() + limits.drainMs;
      while ((front.underWay > 0 || sessions.size > 0) && clock.monotonic() < until) {
        await new Promise<void>((resolve) => clock.after(DRAIN_POLL_MS, resolve));
      }
      // The last answers are on their way: let them leave before their connections are closed.
      await new Promise<void>((resolve) => clock.after(DRAIN_POLL_MS, resolve));
      close();
    },
    close,
  };
}

function statsOf(front: HttpFront, sessions: ReadonlySet<Session>, inboxes: Inboxes): GatewayStats {
  let terminalSessions = 0;
  for (const session of sessions) if (session.api === 'terminal') terminalSessions += 1;
  return {
    requestsUnderWay: front.underWay,
    sessions: sessions.size,
    terminalSessions,
    paychannelSessions: sessions.size - terminalSessions,
    inboxes: inboxes.size,
    unacknowledgedEvents: inboxes.unacknowledged,
  };
}

/** A withdrawn key ends its sockets too. */
function judgeKeys(context: SessionContext): () => void {
  const { clock, log } = context.options;
  let cancel = clock.after(JUDGE_EVERY_MS, judge);
  function judge(): void {
    cancel = clock.after(JUDGE_EVERY_MS, judge);
    const now = clock.monotonic();
    let asked = 0;
    for (const session of context.sessions) {
      if (session.keyHash === '' || now - session.judgedAt < JUDGE_AFTER_MS) continue;
      session.judgedAt = now;
      context.principals.lookUpInTurn(session.keyHash).then(
        (principal) => session.judge(principal),
        (error: unknown) => log.debug({ err: error }, 'a key could not be judged'),
      );
      asked += 1;
      if (asked === JUDGED_AT_ONCE_MAX) return;
    }
  }
  return () => cancel();
}
