// `npm run sim`: many seeds, or one.

import { run } from './run.ts';

const [first = '1', count = '100', trace] = process.argv.slice(2);
const totals = new Map<string, number>();
const began = process.hrtime.bigint();
let failed = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const seedBegan = process.hrtime.bigint();
  const result = await run({ seed, ...(trace === undefined ? {} : { trace: (line: string) => console.log(line) }) });
  const ms = Number(process.hrtime.bigint() - seedBegan) / 1e6;
  if (ms > 1000) console.log(seed, 'took', ms, result.simulatedMs, result.about.join());
  for (const [what, n] of result.counts) totals.set(what, (totals.get(what) ?? 0) + n);
  if (result.violation !== null) {
    failed += 1;
    console.log(seed, result.violation.slice(0, 400));
  }
}
if (trace === undefined) console.log(Object.fromEntries([...totals].sort()));
console.log(failed, 'failed', Number(process.hrtime.bigint() - began) / 1e6 / Number(count), 'ms a seed');
