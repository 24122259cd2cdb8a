// `lifecycle`: how many durable bill lifecycles a second, beside its peers in the same run.
//
// First each is tried at rising concurrency; then its best one runs in rounds with all others, each round in the opposite
// order of the one before, so that what changes on the machine meanwhile meets all of them alike. A lifecycle counts if
// its last answer came within the window; every lifecycle of a run must be in Postgres at its end.

import postgres from 'postgres';
import { cpuTable, publish, roundsTable } from './lifecycle-report.ts';
import type { Protocol } from './load/messages.ts';
import { describeRun } from './machine.ts';
import {
  type Bench,
  type Measured,
  measureAppends,
  measureEcho,
  measureHotBill,
  measurePeer,
  measureSql,
  measureSwitch,
  sayMeasured,
} from './measure.ts';
import { onboardPeers, type RunningPeer, startPeer } from './peers/peer.ts';
import { pgbenchVersion } from './pgbench.ts';
import { SQL_PEERS } from './ratios.ts';
import { type Peer, readSettings } from './settings.ts';
import { say, withSwitch } from './under-test.ts';

/** Connections to Postgres of a stateless peer: more of them wait for two cores, not for the network. */
const PEER_POOL = 10;
const HOT_PAYERS = 32;
const ECHOED: readonly Protocol[] = ['ws-msgpack', 'http'];

/** Something that runs at a chosen concurrency, tried before the rounds. */
interface Subject {
  readonly name: string;
  measure(concurrency: number): Promise<Measured>;
}

interface Contestant {
  readonly name: string;
  run(): Promise<Measured>;
}

export type Tried = ReadonlyMap<string, readonly { concurrency: number; measured: Measured }[]>;

export async function lifecycle(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  const about = { ...describeRun(settings), pgbench: pgbenchVersion() };
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    const ended: (() => Promise<void>)[] = [];
    try {
      const subjects = [...ourSubjects(bench), ...(await peerSubjects(bench, ended))];
      const tried = await sweep(bench, subjects);
      const rounds = await alternate(bench, contestants(bench, subjects, tried));
      publish(settings, { ...about, ...stores.described }, tried, rounds);
    } finally {
      for (const end of ended) await end();
    }
  });
}

/** Runs the lifecycle load alone, round after round: for trying a change of the switch or of its options. */
export async function load(args: readonly string[]): Promise<void> {
  const settings = readSettings(args);
  await withSwitch(settings, [], async (stores, under) => {
    const bench = { settings, stores, under };
    const each = ourSubjects(bench).flatMap(({ name, measure }) =>
      settings.concurrency.map((concurrency) => ({
        name: `${name} c=${concurrency}`,
        run: () => measure(concurrency),
      })),
    );
    const rounds = await alternate(bench, each);
    process.stdout.write(`${roundsTable(rounds)}\n\n${cpuTable(rounds)}\n`);
  });
}

function ourSubjects(bench: Bench): Subject[] {
  return bench.settings.protocols.map((protocol) => ({
    name: protocol,
    measure: (concurrency) => measureSwitch(bench, protocol, concurrency),
  }));
}

/** Starts the peers that are asked for; `ended` takes what ends them. */
async function peerSubjects(bench: Bench, ended: (() => Promise<void>)[]): Promise<Subject[]> {
  const { settings, stores } = bench;
  const wants = (peer: Peer): boolean => settings.peers.includes(peer);
  const task = { databaseUrl: stores.peerUrl, pool: PEER_POOL };
  const started = async (name: 'fastify' | 'uws' | 'echo'): Promise<RunningPeer> => {
    say(`starting the peer ${name}`);
    const running = await startPeer(name, task);
    ended.push(running.stop);
    return running;
  };
  const subjects: Subject[] = [];
  if (wants('fastify') || wants('uws')) {
    const sql = postgres(stores.peerUrl, { max: 1 });
    const parties = await onboardPeers(sql, settings.terminals);
    await sql.end();
    for (const name of (['fastify', 'uws'] as const).filter(wants)) {
      const peer = { name, running: await started(name), parties };
      subjects.push({
        name,
        measure: (concurrency) => measurePeer(bench, peer, concurrency),
      });
    }
  }
  if (wants('echo')) {
    const echo = await started('echo');
    for (const protocol of ECHOED) {
      subjects.push({
        name: `echo ${protocol}`,
        measure: (concurrency) => measureEcho(bench, echo, protocol, concurrency),
      });
    }
  }
  return subjects;
}

/** Each subject at each concurrency, once. */
async function sweep(bench: Bench, subjects: readonly Subject[]): Promise<Tried> {
  const tried = new Map<string, { concurrency: number; measured: Measured }[]>();
  for (const { name, measure } of subjects) {
    const steps: { concurrency: number; measured: Measured }[] = [];
    for (const concurrency of bench.settings.concurrency) {
      await bench.stores.settle();
      const measured = await measure(concurrency);
      say(`${name} with ${concurrency} in flight: ${sayMeasured(measured)}`);
      steps.push({ concurrency, measured });
    }
    tried.set(name, steps);
  }
  return tried;
}

function contestants(bench: Bench, subjects: readonly Subject[], tried: Tried): Contestant[] {
  const { settings } = bench;
  let latest: Measured['counts'];
  const tuned: Contestant[] = subjects.map(({ name, measure }) => {
    const steps = [...(tried.get(name) ?? [])];
    const best = steps.sort((a, b) => b.measured.perSecond - a.measured.perSecond)[0];
    return {
      name,
      run: async () => {
        const measured = await measure(best?.concurrency ?? 64);
        latest = measured.counts ?? latest;
        return measured;
      },
    };
  });
  const isOurs = ({ name }: Contestant): boolean => settings.protocols.some((own) => own === name);
  const others: Contestant[] = tuned.filter((each) => !isOurs(each));
  if (settings.peers.includes('pgbench')) {
    for (const { style, clients } of SQL_PEERS) {
      others.push({
        name: `pgbench ${style} c=${clients}`,
        run: () => measureSql(bench, 'lifecycles', style, clients),
      });
    }
  }
  if (settings.peers.includes('hot')) {
    others.push({ name: 'hot bill', run: () => measureHotBill(bench, HOT_PAYERS) });
    for (const style of ['interactive', 'single'] as const) {
      others.push({
        name: `hot row ${style}`,
        run: () => measureSql(bench, 'hot', style, HOT_PAYERS),
      });
    }
  }
  if (settings.peers.includes('redis')) {
    const ofSweep = [...tried.values()].flat().findLast(({ measured }) => measured.counts);
    others.push({
      name: 'redis appends',
      run: () => measureAppends(bench, latest ?? ofSweep?.measured.counts),
    });
  }
  return interleaved(tuned.filter(isOurs), others);
}

async function alternate(
  { settings, stores }: Bench,
  all: readonly Contestant[],
): Promise<Map<string, Measured[]>> {
  const rounds = new Map<string, Measured[]>(all.map(({ name }) => [name, []]));
  for (let round = 1; round <= settings.rounds; round++) {
    for (const { name, run } of round % 2 === 1 ? all : [...all].reverse()) {
      await stores.settle();
      const measured = await run();
      say(`round ${round} of ${settings.rounds}, ${name}: ${sayMeasured(measured)}`);
      rounds.get(name)?.push(measured);
    }
  }
  return rounds;
}

/** Peers spread between ours, so that both see the same of the machine. */
function interleaved(ours: readonly Contestant[], peers: readonly Contestant[]): Contestant[] {
  const all: Contestant[] = [...peers];
  const step = Math.max(1, Math.ceil(peers.length / Math.max(1, ours.length)));
  ours.forEach((each, i) => {
    all.splice(Math.min(all.length, i * (step + 1) + 1), 0, each);
  });
  return all;
}
