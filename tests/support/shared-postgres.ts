// One Postgres server for all end-to-end tests of a run: each switch has a database of its own in it.

import type { TestProject } from 'vitest/node';
import { startPostgres } from './stores.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the server's own database, from which others are made. */
    readonly postgresUrl: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startPostgres({ settings: { max_connections: '300' } });
  project.provide('postgresUrl', postgres.url);
  return () => postgres.stop();
}
