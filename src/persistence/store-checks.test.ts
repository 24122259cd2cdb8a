import { describe, expect, test } from 'vitest';
import { ACCEPT_NAMES, describeFinding, type Finding, refusedFindings } from './store-checks.ts';

const unsynced: Finding = {
  store: 'redis',
  setting: 'appendfsync',
  found: 'everysec',
  needed: 'always',
  cure: 'CONFIG SET appendfsync always, and the same in redis.conf',
  acceptName: 'redis.appendfsync',
};
const replica: Finding = {
  store: 'redis',
  setting: 'role',
  found: 'slave',
  needed: 'master',
  cure: 'point REDIS_URL to the primary',
  acceptName: null,
};

describe('findings', () => {
  test('are refused unless accepted by their own name', () => {
    expect(refusedFindings([unsynced, replica], [])).toEqual([unsynced, replica]);
    expect(refusedFindings([unsynced, replica], ['redis.appendonly'])).toEqual([unsynced, replica]);
    expect(refusedFindings([unsynced, replica], ['redis.appendfsync'])).toEqual([replica]);
  });

  test('say what is wrong, what to do, and the name to accept them by', () => {
    expect(describeFinding(unsynced)).toBe(
      'redis: appendfsync is everysec, not always: CONFIG SET appendfsync always, and the same in redis.conf, ' +
        'or accept it as redis.appendfsync',
    );
    expect(describeFinding(replica)).toBe(
      'redis: role is slave, not master: point REDIS_URL to the primary',
    );
  });

  test('can be accepted by these names', () => {
    expect(ACCEPT_NAMES).toEqual([
      'redis.appendonly',
      'redis.appendfsync',
      'redis.no-appendfsync-on-rewrite',
      'redis.maxmemory-policy',
      'redis.unverified',
      'postgres.fsync',
      'postgres.full_page_writes',
    ]);
  });
});
