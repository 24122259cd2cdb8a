// A gateway: the public contract on one port. It authenticates, validates, routes by bill and puts encoded answers into
// their frames; shards decide, and write.

import type { DirectoryChange } from '../../switch/directory.ts';
import type { ReadingContext } from '../operations/addressing.ts';
import { Accounts, type Use } from './accounts.ts';
import { driveArming } from './arming.ts';
import { EarlyRoom } from './early-frames.ts';
import type { EvidenceContext } from './evidence.ts';
import { makeHandlers } from './handlers.ts';
import { HttpFront } from './http.ts';
import { Inboxes } from './inboxes.ts';
import { tellChanges, watchKeys } from './key-watch.ts';
import { closeConnections, loadNative, type us_listen_socket } from './native.ts';
import type {
  AdmissionOptions,
  GatewayOptions,
  GatewayStats,
  GatewaySurroundings,
  ListenOptions,
  ReadingOptions,
} from './options.ts';
import { Principals } from './principals.ts';
import type { Session, SessionContext } from './session.ts';
import { CLOSE } from './stream-protocol.ts';
import { Streams } from './streams.ts';

const DRAIN_POLL_MS = 20;

export interface Gateway {
  readonly port: number;
  stats(): GatewayStats;
  /** What main hears of the directory: whether it hears at all, and what has changed; null: anything may have. */
  hear(isHearing: boolean, changes: readonly DirectoryChange[] | null): void;
  /** What was taken of limits since this was last asked, for the other gateways. */
  tellUse(): Use[];
  /** Another gateway has told so; null: it has begun anew. */
  hearUse(gateway: number, uses: readonly Use[] | null): void;
  /** Accepts nothing new, answers what is under way (at most `drainMs`), closes WebSockets with 1001. */
  drain(): Promise<void>;
  /** Ends everything at once; the thread may end after it. */
  close(): void;
}

type App = ReturnType<ReturnType<typeof loadNative>['App']>;

/** Listens. Rejects where the port is taken or the native library did not load. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const native = loadNative();
  const { door, listings, clock, presenter, log, limits } = options;
  const readsAtOnce = limits.reconnectsAtOnce;
  const sessions = new Set<Session>();
  const inboxes = new Inboxes({ door, listings, clock, presenter, log, readsAtOnce });
  const accounts = new Accounts(options);
  const principals = new Principals({
    directory: options.directory,
    clock,
    max: limits.principals,
    inTurnAtOnce: limits.reconnectsAtOnce,
    log,
    onFound: (holder) => accounts.learn(holder),
    onChange: tellChanges({ clock, sessions, withdraw: (hashes) => front.withdraw(hashes) }),
    onDoubt: (concerns) => {
      for (const session of sessions) session.doubt(concerns);
    },
  });
  const own = { options, reading: readingOf(options), principals, accounts };
  const polls = new Set<() => void>();
  const handlers = makeHandlers({
    ...own,
    events: { door, listings, clock, presenter, inboxes, polls },
  });
  const proving = evidenceContext(options, principals);
  const front = new HttpFront({ options, principals, accounts, handlers, proving });
  const earlyRoom = new EarlyRoom();
  const sessionContext: SessionContext = { ...own, inboxes, sessions, proving, earlyRoom };
  const streams = new Streams(sessionContext);
  door.onUnfinished((billId) => driveArming(options, billId));

  const app = routed(native, streams, front);
  const socket = await listen(app, options);

  let isListening = true;
  const stopListening = (): void => {
    if (isListening) native.us_listen_socket_close(socket);
    isListening = false;
  };
  let isClosed = false;
  const stopWatching = watchKeys(sessionContext);
  const close = (): void => {
    stopListening();
    stopWatching();
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
    tellUse: () => accounts.tell(),
    hearUse: (gateway, uses) => accounts.hear(gateway, uses),
    hear: (isHearing, changes) => principals.hear(isHearing, changes),
    drain: async () => {
      stopListening();
      front.drain();
      streams.drain();
      void principals.tellUsed();
      for (const answerNow of [...polls]) answerNow();
      await answered(options, () => front.underWay === 0 && sessions.size === 0);
      close();
    },
    close,
  };
}

/** Upgrades go to the streams, and all else to the front, which knows every path. */
function routed(native: ReturnType<typeof loadNative>, streams: Streams, front: HttpFront): App {
  const app = native.App();
  streams.listen(app, native, 'terminal');
  streams.listen(app, native, 'paychannel');
  app.any('/*', (res, req) => front.handle(res, req));
  return app;
}

/** Waits until all is answered, but no longer than `drainMs`. */
async function answered(
  { clock, limits }: GatewaySurroundings,
  isOver: () => boolean,
): Promise<void> {
  const aMoment = () => new Promise<void>((resolve) => clock.after(DRAIN_POLL_MS, resolve));
  const until = clock.monotonic() + limits.drainMs;
  while (!isOver() && clock.monotonic() < until) await aMoment();
  // The last answers are on their way: let them leave before their connections are closed.
  await aMoment();
}

function listen(app: App, { host, port }: ListenOptions): Promise<us_listen_socket> {
  return new Promise((resolve, reject) => {
    app.listen(host, port, (listening) => {
      if (listening) resolve(listening);
      else reject(new Error(`cannot listen on ${host}:${port}: the port is taken`));
    });
  });
}

function readingOf({
  door,
  codes,
  acquirers,
  hosted,
  payers,
  tariffs,
  clock,
}: GatewaySurroundings & ReadingOptions): ReadingContext {
  return {
    shards: door.shards,
    codes,
    acquirers,
    hosted,
    payers,
    tariffs,
    wall: () => clock.wall(),
  };
}

function evidenceContext(
  options: GatewaySurroundings & AdmissionOptions,
  principals: Principals,
): EvidenceContext {
  const { clock, replays, signedSince, publicBaseUrl, certificateToken } = options;
  const demandsOf: EvidenceContext['demandsOf'] = (principal) => principals.demandsOf(principal);
  return { clock, replays, signedSince, publicBaseUrl, certificateToken, demandsOf };
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
