// A charge as programs read it: times and caps as a tariff document writes them.

import type { ChargeLine } from '../domain/tariff/charge.ts';
import type { Cap } from '../domain/tariff/tariff.ts';
import { formatTime, formatTimeOrNull } from '../protocols/wire-time.ts';
import type { Explained } from './explained.ts';

export function chargeAsJson({ tariff, version, from, to, charge }: Explained): unknown {
  return {
    currency: tariff.currency,
    timeZone: tariff.timeZone,
    effectiveFrom: formatTime(version.effectiveFrom),
    graceSeconds: version.graceSeconds,
    quoteSeconds: version.quoteSeconds,
    from: formatTime(from),
    to: formatTime(to),
    amount: charge.amount,
    nextChangeAt: formatTimeOrNull(charge.nextChangeAt),
    breakdown: charge.breakdown.map(lineAsJson),
  };
}

function lineAsJson({ from, to, rule, phase, units, amount, cap }: ChargeLine): unknown {
  return {
    from: formatTime(from),
    to: formatTime(to),
    rule: rule?.name ?? null,
    phase,
    units,
    amount,
    cap: cap === null ? null : capAsJson(cap),
  };
}

function capAsJson({ max, per }: Cap): unknown {
  return typeof per === 'string' ? { max, per } : { max, perMinutes: per.minutes };
}
