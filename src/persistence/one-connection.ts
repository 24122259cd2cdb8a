import postgres, { type Sql } from 'postgres';

const CLOSE_SECONDS = 5;

/** Does some work over a connection that is opened for it alone, and closed whatever came of it. */
export async function overOneConnection<T>(
  url: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: CLOSE_SECONDS });
  }
}
