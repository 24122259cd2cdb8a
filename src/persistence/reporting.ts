// Roles of Postgres that read the history of one institution: policies say which rows (0016_reporting.sql), and what is
// granted here says which columns. Packed states, labels of payers, keys and secrets are nobody's.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { makeId } from './onboarding.ts';
import { overOneConnection } from './one-connection.ts';

/** What a report may read. A column that is not named is not readable. */
const REPORTED: Readonly<Record<string, readonly string[]>> = {
  institutions: ['id', 'name', 'suspended_at', 'created_at'],
  merchants: [
    'id',
    'institution_id',
    'name',
    'city',
    'country',
    'category',
    'suspended_at',
    'created_at',
  ],
  terminals: ['id', 'merchant_id', 'name', 'restricted', 'suspended_at', 'created_at'],
  paychannels: ['id', 'institution_id', 'name', 'subscribed', 'suspended_at', 'created_at'],
  bills: [
    'id',
    'institution_id',
    'merchant_id',
    'terminal_id',
    'order_id',
    'type',
    'status',
    'version',
    'currency',
    'purpose',
    'amount',
    'paid',
    'confirmed',
    'reversed',
    'refunded',
    'unreturned',
    'created_at',
    'expires_at',
    'paid_at',
    'confirmed_at',
    'closed_at',
    'cause',
    'policies',
  ],
  payments: [
    'bill_id',
    'no',
    'paychannel_id',
    'payment_ref',
    'amount',
    'excess',
    'tip',
    'tip_returned',
    'credited',
    'status',
    'code',
    'method',
    'paid_at',
    'received_at',
    'notified_at',
    'rejection',
  ],
  credits: [
    'bill_id',
    'no',
    'kind',
    'payment_no',
    'paychannel_id',
    'payment_ref',
    'amount',
    'is_tip',
    'status',
    'reason',
    'settled_reason',
    'reference',
    'requested_at',
    'settled_at',
    'repeats',
  ],
  events: ['bill_id', 'no', 'recipient', 'type', 'occurred_at', 'pending', 'acknowledged_at'],
  transitions: [
    'shard',
    'entry',
    'no',
    'bill_id',
    'version',
    'type',
    'at',
    'actor',
    'request_id',
    'outcome',
  ],
};

const NAME = /^qrs_report_[a-z0-9]{12}$/;
const PASSWORD_BYTES = 24;
/** Connections of one role at once: reports share the database with the switch. */
const CONNECTIONS = 4;
const STATEMENT_MS = 60_000;

export interface ReportingRole {
  readonly role: string;
  readonly institutionId: string;
}

export interface NewReportingRole extends ReportingRole {
  /** Nobody can tell it a second time: Postgres keeps a verifier, and never sees it. */
  readonly password: string;
}

/** Makes a role that may sign in and read the institution's history; null where there is no such institution. */
export function addReportingRole(
  databaseUrl: string,
  institutionId: string,
): Promise<NewReportingRole | null> {
  const role = `qrs_report_${makeId('key').slice('key_'.length)}`;
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  return overOneConnection(databaseUrl, async (sql) => {
    const [known] = await sql<{ id: string; schema: string }[]>`
      select id, current_schema() as schema from institutions where id = ${institutionId}`;
    if (known === undefined) return null;
    const grants = Object.entries(REPORTED).map(
      ([table, columns]) => `grant select (${columns.join(', ')}) on ${table} to ${role}`,
    );
    await atOnce(sql, [
      `create role ${role} login password '${verifierOf(password)}' connection limit ${CONNECTIONS}
         nosuperuser nocreatedb nocreaterole noinherit nobypassrls noreplication`,
      `alter role ${role} set default_transaction_read_only = on`,
      `alter role ${role} set statement_timeout = ${STATEMENT_MS}`,
      `insert into reporting_roles (role_name, institution_id) values ('${role}', ${literal(known.id)})`,
      `grant usage on schema "${known.schema}" to ${role}`,
      ...grants,
      told('reporting.added', { role, institutionId }),
    ]);
    return { role, institutionId, password };
  });
}

export function listReportingRoles(databaseUrl: string): Promise<ReportingRole[]> {
  return overOneConnection(databaseUrl, async (sql) => {
    const rows = await sql<{ role_name: string; institution_id: string }[]>`
      select role_name, institution_id from reporting_roles order by created_at, role_name`;
    return rows.map((row) => ({ role: row.role_name, institutionId: row.institution_id }));
  });
}

/** Takes the role away, with its sessions. False where it is none of these. */
export function removeReportingRole(databaseUrl: string, role: string): Promise<boolean> {
  return overOneConnection(databaseUrl, async (sql) => {
    const [known] = await sql<{ institution_id: string; schema: string }[]>`
      select institution_id, current_schema() as schema from reporting_roles where role_name = ${role}`;
    if (known === undefined || !NAME.test(role)) return false;
    await atOnce(sql, [
      `alter role ${role} nologin`,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`,
    ]);
    await atOnce(sql, [
      ...Object.keys(REPORTED).map((table) => `revoke all on ${table} from ${role}`),
      `revoke all on schema "${known.schema}" from ${role}`,
      `drop role ${role}`,
      `delete from reporting_roles where role_name = '${role}'`,
      told('reporting.removed', { role, institutionId: known.institution_id }),
    ]);
    return true;
  });
}

/** Several statements in one message are one transaction, which no lost connection tears apart. */
async function atOnce(sql: Sql, statements: readonly string[]): Promise<void> {
  await sql.unsafe(statements.join(';\n'));
}

function told(action: string, { role, institutionId }: ReportingRole): string {
  const said = { action, kind: 'reporting', id: role, institutionId, detail: {} };
  return `select audit_append(${literal(JSON.stringify(said))}::jsonb, 'database', '${role}', null, null)`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** What Postgres compares a password with (RFC 5803), so that the password itself stands in no log of statements. */
function verifierOf(password: string): string {
  const iterations = 4_096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const keyOf = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64');
  const server = keyOf('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}
