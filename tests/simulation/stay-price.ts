// What a stay costs in the simulation, in the simplest words: its tariffs have one rule for all hours, and no caps.

import type { Tariff } from '../../src/domain/tariff/tariff.ts';
import { MINUTE_MS } from '../../src/domain/time.ts';

/** One unit after another: each is charged once some of it has been used. */
export function stayPrice({ versions: [version] }: Tariff, startedAt: number, at: number): number {
  const phases = [...(version?.first ?? []), ...(version?.rules[0]?.phases ?? [])];
  let total = 0;
  let begins = startedAt;
  for (const { amount, perMinutes, forMinutes } of phases) {
    const ends = begins + (forMinutes ?? Number.POSITIVE_INFINITY) * MINUTE_MS;
    const unitMs = (perMinutes ?? Number.POSITIVE_INFINITY) * MINUTE_MS;
    for (let unit = begins; unit < ends && unit < at; unit += unitMs) total += amount;
    begins = ends;
  }
  return total;
}
