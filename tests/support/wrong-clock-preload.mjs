// Preloaded into every thread of a switch under test (`--import`): its wall clock is wrong by what WRONG_BY_MS says, until the
// file of WRONG_UNTIL_FILE is there. Nothing of it is in the product.

import { existsSync } from 'node:fs';

const { now } = Date;
const wrongBy = Number(process.env.WRONG_BY_MS ?? 0);
const file = process.env.WRONG_UNTIL_FILE ?? '';

Date.now = () => now() + (existsSync(file) ? 0 : wrongBy);
