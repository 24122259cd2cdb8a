// A stay under a tariff, with what it costs: what the command tells in words, as JSON and as a plot.

import { must } from '../domain/assert.ts';
import { type Charge, type ChargeRejection, charge } from '../domain/tariff/charge.ts';
import { type Tariff, type TariffVersion, versionAt } from '../domain/tariff/tariff.ts';
import type { Millis } from '../domain/time.ts';
import { formatTime } from '../protocols/wire-time.ts';
import { CommandFailure } from './io.ts';

export interface Explained {
  readonly tariff: Tariff;
  readonly version: TariffVersion;
  readonly from: Millis;
  readonly to: Millis;
  readonly charge: Charge;
}

/** Charges a stay; one that has no price is a failure that says why. */
export function explain(tariff: Tariff, from: Millis, to: Millis): Explained {
  const charged = charge(tariff, from, to);
  if ('rejected' in charged) throw new CommandFailure(rejectionText(charged, tariff));
  return { tariff, version: must(versionAt(tariff, from), 'a version'), from, to, charge: charged };
}

function rejectionText(rejection: ChargeRejection, { versions }: Tariff): string {
  switch (rejection.rejected) {
    case 'tariff.notInForce': {
      const first = must(versions[0], 'a first version').effectiveFrom;
      return `the stay starts before the tariff is in force: ${formatTime(first)}`;
    }
    case 'stay.endsBeforeStart':
      return 'the stay ends before it starts';
    case 'stay.tooLong':
      return `a stay has a price for 366 days: to ${formatTime(rejection.until)}`;
  }
}
