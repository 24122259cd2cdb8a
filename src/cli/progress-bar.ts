// How far a long command is: a bar that fills in a terminal, a line now and then in a file.

import cliProgress from 'cli-progress';
import type { Io } from './io.ts';

const SHOWN_EVERY_MS = 2_000;

export function progressBar(io: Io, of: string): cliProgress.SingleBar {
  return new cliProgress.SingleBar(
    {
      format: `{bar} {percentage}% | {value} of {total} ${of} | {duration_formatted}, {eta_formatted} to go`,
      stream: io.stderr,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: SHOWN_EVERY_MS,
    },
    cliProgress.Presets.shades_classic,
  );
}
