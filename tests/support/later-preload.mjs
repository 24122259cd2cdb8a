// Preloaded into every thread of a switch under test (`--import`): its wall clock is ahead by what LATER_MS says. Nothing
// of it is in the product.

const { now } = Date;
const ahead = Number(process.env.LATER_MS ?? 0);

Date.now = () => now() + ahead;
