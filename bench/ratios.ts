// Ratios between contestants, each within a round: what a round's neighbours did to both of them cancels out.

import type { Protocol } from './load/messages.ts';
import { BEHIND_MAX_MS, type Measured } from './measure.ts';
import type { SqlStyle } from './pgbench.ts';
import { ratioOf, type Spread } from './report.ts';

export const SQL_PEERS: readonly { style: SqlStyle; clients: number }[] = [
  { style: 'interactive', clients: 8 },
  { style: 'single', clients: 8 },
  { style: 'interactive', clients: 32 },
  { style: 'single', clients: 32 },
];

export interface Ratio {
  readonly name: string;
  /** Null where one of our runs is refused. */
  readonly spread: Spread | null;
}

type Rounds = ReadonlyMap<string, readonly Measured[]>;
type Value = (measured: Measured) => number;

const perSecond: Value = (measured) => measured.perSecond;
const perCpuSecond: Value = (measured) => 1e6 / cpuOf(measured);
const transitions: Value = (measured) => measured.transitionsPerSecond ?? 0;

/** All processes together, the load's own included. */
export function cpuOf({ cpuUs }: Measured): number {
  return Object.values(cpuUs).reduce((sum, us) => sum + us, 0);
}

/** Whether every run's history was there in time. */
export function isVerified(all: readonly Measured[]): boolean {
  return all.every(({ behindMs }) => behindMs === undefined || behindMs <= BEHIND_MAX_MS);
}

export function allRatios(
  settings: { readonly protocols: readonly Protocol[] },
  rounds: Rounds,
): Ratio[] {
  return [
    ...settings.protocols.flatMap((protocol) => [
      ...toSql(rounds, protocol),
      ...toServices(rounds, protocol),
      ...toLimits(rounds, protocol),
    ]),
    ...ofHotBills(rounds),
  ];
}

function toSql(rounds: Rounds, protocol: Protocol): Ratio[] {
  /** Of a style's peers the better one of each round. */
  const best = (style: SqlStyle, of: Value): number[] => {
    const all = SQL_PEERS.filter((peer) => peer.style === style).map(({ clients }) =>
      values(rounds, `pgbench ${style} c=${clients}`, of),
    );
    return (all[0] ?? []).map((_, round) => Math.max(...all.map((each) => each[round] ?? 0)));
  };
  return (['interactive', 'single'] as const).flatMap((style) => {
    const name = `${protocol} : pgbench ${style}`;
    return [
      ...ratio(rounds, name, protocol, perSecond, best(style, perSecond)),
      ...ratio(
        rounds,
        `${name}, a second of processor`,
        protocol,
        perCpuSecond,
        best(style, perCpuSecond),
      ),
    ];
  });
}

/** The stateless services speak HTTP alone. */
function toServices(rounds: Rounds, protocol: Protocol): Ratio[] {
  if (protocol !== 'http') return [];
  return ['fastify', 'uws'].flatMap((peer) =>
    ratio(rounds, `http : ${peer}`, protocol, perSecond, values(rounds, peer, perSecond)),
  );
}

function toLimits(rounds: Rounds, protocol: Protocol): Ratio[] {
  const echoes = values(rounds, `echo ${protocol}`, perSecond);
  const appends = values(rounds, 'redis appends', transitions);
  const ours = `${protocol}, transitions`;
  return [
    ...ratio(rounds, `${ours} : echo, messages`, protocol, transitions, echoes),
    ...ratio(rounds, `${ours} : redis appends, transitions`, protocol, transitions, appends),
  ];
}

function ofHotBills(rounds: Rounds): Ratio[] {
  return ['interactive', 'single'].flatMap((style) => {
    const to = values(rounds, `hot row ${style}`, perSecond);
    return ratio(rounds, `hot bill : hot row ${style}`, 'hot bill', perSecond, to);
  });
}

function values(rounds: Rounds, name: string, of: Value): number[] {
  return (rounds.get(name) ?? []).map(of);
}

/** None where one of the two did not run. */
function ratio(
  rounds: Rounds,
  name: string,
  ours: string,
  of: Value,
  to: readonly number[],
): Ratio[] {
  const all = rounds.get(ours) ?? [];
  if (all.length === 0 || to.length === 0) return [];
  return [{ name, spread: isVerified(all) ? ratioOf(all.map(of), to) : null }];
}
