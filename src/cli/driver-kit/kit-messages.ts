// What the conformance kit's process says to whoever has begun it.

import type { Checked } from '../../drivers/kit/run-checks.ts';

export type FromKit =
  /** It still turns. */
  | { readonly type: 'turns' }
  | { readonly type: 'begins'; readonly check: string }
  /** The calls of the driver that are under way now. */
  | { readonly type: 'called'; readonly underWay: readonly string[] }
  | { readonly type: 'checked'; readonly checked: Checked }
  | { readonly type: 'untried'; readonly why: string }
  | { readonly type: 'ended' };
