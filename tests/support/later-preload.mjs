// Preloaded into every thread of a switch under test (`--import`): the wall clock of all but the main one is ahead by what
// LATER_MS says. The main one holds its clock against Postgres's, which nobody has moved. Nothing of it is in the product.

import { isMainThread } from 'node:worker_threads';

const { now } = Date;
const ahead = isMainThread ? 0 : Number(process.env.LATER_MS ?? 0);

Date.now = () => now() + ahead;
