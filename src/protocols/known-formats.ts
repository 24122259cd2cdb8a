// Which formats a code may be asked for in: the switch's own, and those of loaded drivers.

import { isOwnFormat, OWN_FORMATS, type QrFormat } from '../domain/bill/vocabulary.ts';
import type { HostedFormats } from '../switch/qr.ts';
import { invalid, type Problem } from './problem-document.ts';

/** What is wrong with a format that somebody names; undefined where nothing is, or none is named. */
export function problemOfFormat(
  path: string,
  named: QrFormat | null | undefined,
  { names }: Pick<HostedFormats, 'names'>,
): Problem | undefined {
  if (named === null || named === undefined || isOwnFormat(named) || names.has(named)) {
    return undefined;
  }
  return invalid([{ path, message: `must be one of ${[...OWN_FORMATS, ...names].join(', ')}` }]);
}
