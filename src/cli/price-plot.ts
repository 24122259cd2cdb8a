// The price of a stay over its time, drawn in the terminal.

import { charge } from '../domain/tariff/charge.ts';
import { type WallMs, zoneOf } from '../domain/tariff/zone.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, type Millis, millis } from '../domain/time.ts';
import type { Explained } from './explained.ts';
import { moneyText } from './explanation.ts';
import { type StepPlot, stepPlot } from './step-plot.ts';

const HEIGHT = 12;
/** Columns that a time below the plot needs, and some air. */
const MARK_COLUMNS = 14;

/** What may lie between two times below the plot. */
const MARK_STEPS_MS = [
  ...[1, 5, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14, 28, 56, 112].map((days) => days * DAY_MS),
];

/** The lines of the plot, no wider than `width`. */
export function pricePlot(explained: Explained, width: number): string[] {
  const { tariff, from, to, charge: whole } = explained;
  const valueText = (amount: number): string => moneyText(amount, tariff.currency);
  const columns = Math.max(MARK_COLUMNS, width - valueText(whole.amount).length - 2);
  // A column shows the price at its end, so that the last one shows the price of the whole stay.
  const values = Array.from({ length: columns }, (_, column) => {
    const end = millis(from + Math.ceil(((to - from) * (column + 1)) / columns));
    const charged = charge(tariff, from, end);
    return 'rejected' in charged ? whole.amount : charged.amount;
  });
  return stepPlot({ values, height: HEIGHT, valueText, marks: marksOf(explained, columns) });
}

/** Round times of the local clock, as many as there is room for. */
function marksOf({ tariff, from, to }: Explained, columns: number): StepPlot['marks'] {
  const lengthMs = Math.max(to - from, 1);
  const roomFor = Math.floor(columns / MARK_COLUMNS);
  const stepMs = MARK_STEPS_MS.find((step) => lengthMs / step <= roomFor) ?? lengthMs;
  const zone = zoneOf(tariff.timeZone);
  const marks: { column: number; text: string }[] = [];
  const first = Math.ceil(zone.wallAt(from) / stepMs) * stepMs;
  for (let wall = first; ; wall += stepMs) {
    const at: Millis = zone.firstAt(wall as WallMs);
    if (at >= to) return marks;
    const column = Math.floor(((at - from) / lengthMs) * columns);
    marks.push({ column, text: markText(wall, stepMs) });
  }
}

/** `Sun 03:00`, or `Sun 03-29` where days lie between. */
function markText(wall: number, stepMs: number): string {
  const day = new Date(wall).toUTCString().slice(0, 3);
  const text = new Date(wall).toISOString();
  return `${day} ${stepMs < DAY_MS ? text.slice(11, 16) : text.slice(5, 10)}`;
}
