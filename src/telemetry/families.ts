// Every metric of the switch: its name, what it means and how several threads' values become one. The name is a noun,
// what happened to it, and a unit. Alerts, dashboards and runbooks use these names, and a test compares them.

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** What becomes of two threads' values under equal labels. */
  readonly merged: 'sum' | 'max';
}

export const families = {
  requestsAnswered: counter(
    'requests_answered_total',
    'Requests answered, by protocol, route and status.',
  ),
  requestsAnsweredSeconds: histogram(
    'requests_answered_seconds',
    'From the whole request read to its answer handed to the socket, by protocol and route.',
  ),
  connectionsClosed: counter(
    'connections_closed_total',
    'WebSocket connections that the switch has closed, by close code.',
  ),
  connectionsHeld: gauge('connections_held', 'Open WebSocket connections, by whose they are.'),
  requestsHeld: gauge(
    'requests_held',
    'HTTP requests that a gateway has taken and not answered yet, public ones too.',
  ),
  requestsWaiting: gauge(
    'requests_waiting',
    'Requests that wait in a gateway for their institution’s turn, because the workers are full.',
  ),
  requestsDelayedSeconds: gauge(
    'requests_delayed_seconds',
    'How late a gateway and its workers are, while institutions could stand in each other’s way; else 0.',
  ),
  requestsShed: counter(
    'requests_shed_total',
    'Requests refused (503) because their institution had more under way than its part while all were late.',
  ),
  requestsLimited: counter(
    'requests_limited_total',
    'Requests and sockets that a limit of their holder or institution refused (429), by limit.',
  ),
  eventsPushed: counter(
    'events_pushed_total',
    'Events sent down a WebSocket; again="true" where it was not the first time.',
  ),
  eventsPending: gauge(
    'events_pending',
    'Events in memory that nobody has acknowledged yet, by shard.',
  ),
  commandsQueued: gauge(
    'commands_queued',
    'Requests under way in a shard: they wait in mailboxes, for the log or for history.',
  ),
  commandsQueuedDeepest: gauge(
    'commands_queued_deepest',
    'The most requests that have waited for one bill of a shard since the last scrape.',
    'max',
  ),
  billsResident: gauge('bills_resident', 'Bills in memory, by shard.'),
  billsFetched: counter('bills_fetched_total', 'Bills brought back into memory from history.'),
  batchesAppendedSeconds: histogram(
    'batches_appended_seconds',
    'From sending a batch to the log to its being durable.',
  ),
  batchesAppendedTransitions: histogram(
    'batches_appended_transitions',
    'Transitions in a batch of the log.',
  ),
  appendsFailed: counter(
    'appends_failed_total',
    'Appends that the log refused, or whose outcome stayed unknown, by outcome.',
  ),
  transitionsCommitted: counter(
    'transitions_committed_total',
    'Transitions made durable, by command.',
  ),
  transitionsUnwritten: gauge(
    'transitions_unwritten',
    'Length of the log: transitions not yet in history, by shard.',
  ),
  historyLaggedSeconds: gauge(
    'history_lagged_seconds',
    'Age of the oldest transition that is not yet in history, by shard.',
    'max',
  ),
  historyWrittenSeconds: histogram(
    'history_written_seconds',
    'Time of one statement that writes batches to Postgres.',
  ),
  historyWrittenRows: histogram(
    'history_written_rows',
    'Rows of all tables in one statement that writes batches to Postgres.',
  ),
  historyFailed: counter(
    'history_failed_total',
    'Statements of the history writer that failed, by reason.',
  ),
  shardsOwned: gauge('shards_owned', 'Shards of this node, by state.'),
  workersEnded: counter('workers_ended_total', 'Worker threads that died and were replaced.'),
  gatewaysEnded: counter('gateways_ended_total', 'Gateway threads that died and were replaced.'),
  webhooksSent: counter(
    'webhooks_sent_total',
    'Requests to endpoints of webhooks, by outcome: the class of the status, refused, late or lost.',
  ),
  webhooksSentSeconds: histogram(
    'webhooks_sent_seconds',
    'From sending a webhook to the end of its answer.',
  ),
  webhooksDied: counter(
    'webhooks_died_total',
    'Events that an endpoint has not taken in three days: its dead letters.',
  ),
  webhooksPending: gauge('webhooks_pending', 'Events that wait for an endpoint to take them.'),
  webhookBreakersOpen: gauge(
    'webhook_breakers_open',
    'Endpoints that are left alone for now, after failures in a row.',
  ),
  driversAsked: counter(
    'drivers_asked_total',
    'Calls of loaded drivers, by driver and what came of them: answered, notDone (never asked) or unknown.',
  ),
  driversEnded: counter(
    'drivers_ended_total',
    'Processes of loaded drivers that died and are made anew, by driver.',
  ),
  acquirerCalls: counter(
    'acquirer_calls_total',
    'Calls to acquirers, by acquirer, driver, operation and outcome: done, notDone, busy or unknown.',
  ),
  acquirerCallsSeconds: histogram(
    'acquirer_calls_seconds',
    'From making a call to an acquirer to its outcome, by acquirer and operation.',
  ),
  acquirerBillsPolled: gauge(
    'acquirer_bills_polled',
    'Bills at an acquirer that wait for their next call within minutes, or are out with one, by acquirer.',
  ),
  loopsDelayedSeconds: gauge(
    'loops_delayed_seconds',
    'How late the event loop of a thread ran since the last scrape, by quantile (1 is the worst).',
    'max',
  ),
  heapsUsedBytes: gauge('heaps_used_bytes', 'JavaScript heap in use, by thread.', 'max'),
} as const satisfies Record<string, Family>;

function counter(name: string, help: string): Family {
  return { name: `qrswitch_${name}`, help, type: 'counter', merged: 'sum' };
}

function histogram(name: string, help: string): Family {
  return { name: `qrswitch_${name}`, help, type: 'histogram', merged: 'sum' };
}

function gauge(name: string, help: string, merged: 'sum' | 'max' = 'sum'): Family {
  return { name: `qrswitch_${name}`, help, type: 'gauge', merged };
}
