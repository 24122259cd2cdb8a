// All parsers under fire, in one list.

import { configTargets } from './configuration.ts';
import { encodingTargets } from './encodings.ts';
import { entryTargets } from './entries.ts';
import { operationTargets } from './operations.ts';
import { scannedTargets } from './scanned.ts';
import type { Target } from './target.ts';
import { textTargets } from './texts.ts';

export const targets: readonly Target[] = [
  ...encodingTargets,
  ...operationTargets,
  ...textTargets,
  ...scannedTargets,
  ...entryTargets,
  ...configTargets,
];
