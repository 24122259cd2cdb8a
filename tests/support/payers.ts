// Labels of payers for tests that have no database.

import { DataKeys } from '../../src/persistence/data-keys.ts';
import { payerLabels } from '../../src/persistence/payer-labels.ts';

export const payers = payerLabels(new DataKeys([], 'drawn-by-the-database'), 'a key of digests');
