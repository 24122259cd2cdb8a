import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { test } from 'vitest';
import { billId, makeBill, makePayment, makeEvent, makeReference, makeAnswer, NOON, reference, shard } from '../../../test/support/bill-fixtures.ts';
import { batch, billRow, entry, eventRow, paymentRow, referenceRow, transitionRow } from '../../../test/support/history-batch.ts';
import { createDatabase, startPostgres } from '../../../test/support/postgres-server.ts';
import { silentLogger as logger } from '../../../test/support/silent-logger.ts';
import { migrate } from '../migrate.ts';
import { makeBillCodec } from './bill-codec.ts';
import { PostgresHistory } from './postgres-history.ts';
import { makeWriteStatement } from './write-statement.ts';

test('bench', async () => {
  const server = await startPostgres({ settings: { shared_buffers: '256MB', max_wal_size: '4GB', checkpoint_timeout: '15min' } });
  const url = await createDatabase(server.url);
  await migrate(url);
  const sql = postgres(url, { max: 1 });
  for (const s of (process.env['BENCH_SQL'] ?? '').split(';').filter(Boolean)) await sql.unsafe(s);
  const history = new PostgresHistory({ url, logger, trimsLog: false });
  await history.write(batch());
  const [{ pid }] = await sql`select pid from pg_stat_activity where application_name = 'qrswitch history writer'` as any;
  const cpu = () => { const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' '); return (Number(f[11]) + Number(f[12])) * 10; };
  const S = 4;
  const codec = makeBillCodec();
  const st = makeWriteStatement(codec, false);
  let seq = 0; const at = [0, 0, 0, 0];
  const term = (n: number) => `ter_${(n * 7919) % 500}xxxxxxxx` as any;
  const make = (n: number) => {
    const s = shard(n % S);
    const terms = { id: billId(n, s, (NOON + n) as any), createdAt: (NOON + n) as any, orderId: reference(`order-${n}`), terminalId: term(n) };
    const open = makeBill(terms);
    const pay = makePayment({ paymentRef: reference(`pay-${n}`), receivedAt: (NOON + n) as any });
    const event = makeEvent({ recipient: `terminal:${term(n)}`, payment: pay, occurredAt: (NOON + n) as any });
    const kept = makeReference({ ref: pay.paymentRef, outcome: { type: 'accepted', answer: makeAnswer({ payment: pay }) } });
    const ending = { ...open.ending, paidAt: NOON };
    const paid = { ...open, status: 'paid' as const, version: 2, payments: [pay], outbox: [event], references: [kept], counts: { ...open.counts, payments: 1, events: 1 }, ending, books: { ...open.books, paid: 1000 as any } };
    const done = { ...paid, status: 'confirmed' as const, version: 3, outbox: [], payments: [{ ...pay, status: 'confirmed' as const, notifiedAt: NOON }], ending: { ...ending, confirmedAt: NOON }, books: { ...paid.books, confirmed: 1000 as any } };
    return { s, open, pay, event, kept, paid, done };
  };
  const phases = (n0: number, count: number) => {
    const ls = Array.from({ length: count }, (_, i) => make(n0 + i));
    const moves = () => { seq++; return Array.from({ length: S }, (_, s) => { const m = { shard: shard(s), from: at[s] as any, to: entry(seq), at: NOON }; at[s] = entry(seq); return m; }); };
    const m1 = moves(), e1 = seq, m2 = moves(), e2 = seq, m3 = moves(), e3 = seq;
    return [
      batch({ moves: m1, bills: ls.map(l => billRow(l.open, e1)), orders: ls.map(l => ({ shard: l.s, entry: entry(e1), terminalId: l.open.terms.terminalId, orderId: l.open.terms.orderId, billId: l.open.terms.id, digest: l.open.terms.digest, at: NOON })), transitions: ls.map((l, i) => transitionRow(l.open, e1, i)) }),
      batch({ moves: m2, bills: ls.map(l => billRow(l.paid, e2)), payments: ls.map(l => paymentRow(l.paid, e2, l.pay)), references: ls.map(l => referenceRow(l.paid, e2, l.kept)), events: ls.map(l => eventRow(l.paid, e2, l.event)), transitions: ls.map((l, i) => transitionRow(l.paid, e2, i)) }),
      batch({ moves: m3, bills: ls.map(l => billRow(l.done, e3)), payments: ls.map(l => paymentRow(l.done, e3, l.done.payments[0]!)), eventEnds: ls.map(l => ({ billId: l.done.terms.id, shard: l.s, no: 1, acknowledgedAt: NOON })), transitions: ls.flatMap((l, i) => [transitionRow(l.done, e3, 2 * i), transitionRow(l.done, e3, 2 * i + 1)]) }),
    ];
  };
  const rows = (b: any) => Object.entries(b).reduce((a, [k, v]) => a + (k === 'moves' ? 0 : (v as any[]).length), 0);
  let n = 0;
  for (const size of [1000]) {
    const out: string[] = [];
    let total = 0, wall = 0, node = 0, enc = 0; const pgPhase = [0, 0, 0], rowPhase = [0, 0, 0];
    for (let r = 0; r < Math.ceil(16000 / size); r++) {
      const bs = phases(n, size); n += size;
      for (const [i, b] of bs.entries()) {
        const c0 = process.cpuUsage(), t0 = performance.now(), p0 = cpu();
        await history.write(b);
        wall += performance.now() - t0; const c = process.cpuUsage(c0); node += c.user + c.system; pgPhase[i]! += cpu() - p0; total += rows(b); rowPhase[i]! += rows(b);
      }
      const c0 = process.cpuUsage(); for (const b of bs) st.parametersOf(b); const c = process.cpuUsage(c0); enc += c.user + c.system;
    }
    const pg = pgPhase.reduce((a, b) => a + b, 0);
    out.push(`batch ${size}: rows/s ${(total / wall * 1000).toFixed(0)} node µs/row ${(node / total).toFixed(2)} (encode ${(enc / total).toFixed(2)}) pg µs/row ${(pg * 1000 / total).toFixed(2)} by phase ${pgPhase.map((p, i) => (p * 1000 / rowPhase[i]!).toFixed(1)).join('/')} lifecycles/s ${((total / 13) / wall * 1000).toFixed(0)}`);
    console.log(out.join('\n'));
  }
  const sizes = await sql`select relname, relkind, pg_relation_size(oid) / 1024 as kb from pg_class where relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 500000 order by 1`;
  console.log('SIZE ' + sizes.map((r: any) => `${r.relname} ${r.kb}`).join(', '));
  const hot = await sql`select relname, n_tup_ins i, n_tup_upd u, n_tup_hot_upd h from pg_stat_user_tables where n_tup_ins > 0`;
  console.log('HOT ' + hot.map((r: any) => `${r.relname} ${r.i}/${r.u}/${r.h}`).join(', '));
  await history.close(); await sql.end(); await server.stop();
}, 300_000);
