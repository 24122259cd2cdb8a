import { describe, expect, test } from 'vitest';
import { type Logger, openLog } from './log.ts';

describe('a log', () => {
  test('writes one line of JSON a record, with its node, thread and level', () => {
    const { log, lines } = listening();

    log.info({ shard: 3 }, 'shard serves\nfrom now on');
    log.debug('not told');

    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      node: 'till-1',
      thread: 'worker-2',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      shard: 3,
      msg: 'shard serves\nfrom now on',
    });
  });

  test('hides keys, passwords and payers wherever they stand', () => {
    const { log, lines } = listening();

    log.warn(
      {
        authorization: 'Bearer secret-1',
        headers: { Authorization: 'Bearer secret-2', 'set-cookie': 'secret-3' },
        terminals: [{ id: 'T1', key: 'secret-4', api_key: 'secret-5' }],
        payer: 'secret-6',
        databaseUrl: 'postgres://bills:secret-7@db/bills',
        note: 'sent bearer secret-8',
      },
      'failed for redis://:secret-9@cache:6379',
    );

    expect(lines.join()).not.toContain('secret');
    expect(lines.join()).toContain('T1');
    expect(lines.join()).toContain('postgres://bills:[hidden]@db/bills');
    expect(lines.join()).toContain('redis://:[hidden]@cache:6379');
  });

  test('tells an error with its stack and cause, and hides what stands in them', () => {
    const { log, lines } = listening();
    const cause = new Error('connect postgres://bills:secret@db/bills');

    log.error({ err: new Error('history is away', { cause }) }, 'batch failed');
    log.error(new Error('bare, with Bearer secret'));

    const [first, second] = lines.map((line) => JSON.parse(line));
    expect(first.err).toMatchObject({ type: 'Error' });
    expect(first.err.message).toContain('history is away');
    expect(first.err.stack).toContain('caused by: Error: connect postgres://bills:[hidden]@db');
    expect(second.err.message).toBe('bare, with Bearer [hidden]');
    expect(lines.join()).not.toContain('secret');
  });

  test('survives what JSON cannot say', () => {
    const { log, lines } = listening();
    const circular: Record<string, unknown> = { total: 2n ** 60n, bytes: new Uint8Array(9) };
    circular.self = circular;

    log.info(circular, 'odd');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      total: '1152921504606846976',
      bytes: '[9 bytes]',
    });
  });

  test('gives its children what it knows', () => {
    const { log, lines } = listening();

    log.child({ requestId: 'r1', token: 'secret' }).info('asked');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ thread: 'worker-2', requestId: 'r1' });
    expect(lines.join()).not.toContain('secret');
  });
});

function listening(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const to = { write: (line: string) => lines.push(line) };
  return { log: openLog({ level: 'info', node: 'till-1', thread: 'worker-2', to }), lines };
}
