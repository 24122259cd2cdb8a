// Each acquirer is a paychannel of its institution: its payments and credits stand under that name in lists and reports.
// Nobody has a key of it.

import type { InstitutionId, PaychannelId } from '../domain/ids.ts';
import { overStartLine } from './start-line.ts';

export interface AcquirerChannel {
  readonly name: string;
  readonly institutionId: InstitutionId;
}

export function channelOf(name: string): PaychannelId {
  return `acq_${name}` as PaychannelId;
}

/** Makes those that are missing. Returns what is wrong with one of them; null where nothing is. */
export function ensureAcquirerChannels(
  databaseUrl: string,
  acquirers: readonly AcquirerChannel[],
): Promise<string | null> {
  return overStartLine(databaseUrl, async (sql) => {
    for (const { name, institutionId } of acquirers) {
      await sql`
        insert into paychannels (id, institution_id, name)
        select ${channelOf(name)}, id, ${name} from institutions where id = ${institutionId}
        on conflict (id) do nothing`;
      const [row] = await sql<{ institution_id: string }[]>`
        select institution_id from paychannels where id = ${channelOf(name)}`;
      if (row === undefined) {
        return `acquirer ${name}: there is no institution ${institutionId}; make it first, by a start without this acquirer`;
      }
      if (row.institution_id !== institutionId) {
        return `acquirer ${name} was set up for institution ${row.institution_id}, and its money stays there; give this one another name`;
      }
    }
    return null;
  });
}
