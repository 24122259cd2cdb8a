import postgres from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { PostgresHistory } from '../../src/persistence/history/postgres-history.ts';
import { PostgresListings } from '../../src/persistence/history/postgres-listings.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { createDatabase, startPostgres, type TestPostgres } from '../support/postgres-server.ts';
import { silentLogger as logger } from '../support/silent-logger.ts';
import { describeHistory } from './history.ts';
import type { KnownTerminal } from './history-listings.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

describeHistory('PostgresHistory', async () => {
  const url = await createDatabase(server.url);
  await migrate(url);
  const history = new PostgresHistory({ url, logger, trimsLog: false });
  const listings = new PostgresListings({ url, logger });
  const sql = postgres(url, { max: 1 });
  return {
    history,
    listings,
    know: async ({ institutionId, merchantId, terminalId }: KnownTerminal) => {
      await sql`
        insert into institutions (id, name) values (${institutionId}, 'A bank')
        on conflict do nothing`;
      await sql`
        insert into merchants (id, institution_id, name, city)
        values (${merchantId}, ${institutionId}, 'A shop', 'A town') on conflict do nothing`;
      await sql`
        insert into terminals (id, merchant_id, name) values (${terminalId}, ${merchantId}, 'A till')`;
    },
    close: async () => {
      await Promise.all([history.close(), listings.close(), sql.end()]);
    },
  };
});
