import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { qrswitch } from '../../tests/support/command-line.ts';

describe('the limits of a party', () => {
  const asked: unknown[] = [];
  let server: Server;

  beforeAll(async () => {
    vi.stubEnv('QRSWITCH_KEY', 'qrs_oper_key');
    server = createServer(async (request, response) => {
      asked.push([request.method, JSON.parse((await text(request)) || 'null')]);
      response.end(JSON.stringify({ set: {}, inForce: {} }));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    server.close();
  });

  const limits = async (...options: string[]): Promise<unknown> => {
    asked.length = 0;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await qrswitch(
      'terminal',
      'limits',
      'ter_1',
      '--url',
      url,
      ...options,
    );
    return code === 0 ? asked[0] : { code, stderr };
  };

  test('none is no limit, and what is left out goes by the configuration', async () => {
    expect(await limits('--rate', 'none')).toEqual(['PUT', { requestsPerSecond: null }]);
    expect(await limits('--burst', 'none', '--sockets', '3')).toEqual([
      'PUT',
      { burst: null, sockets: 3 },
    ]);
    expect(await limits('--reset')).toEqual(['PUT', {}]);
    expect(await limits()).toEqual(['GET', null]);
  });

  test('what is neither a number nor none is not understood', async () => {
    expect(await limits('--sockets', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('It must be a whole number, or none.'),
    });
    expect(await limits('--rate', '')).toMatchObject({ code: 2 });
  });
});
