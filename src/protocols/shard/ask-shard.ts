import type { Request, ShardDoor } from '../../switch/requests.ts';

export interface ShardAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** One request to one shard. Never rejects: a shard that cannot answer is a 503 or 504. */
export function askShard(
  door: Pick<ShardDoor, 'send'>,
  request: Omit<Request, 'seq'>,
): Promise<ShardAnswer> {
  return new Promise((answered) => {
    door.send(request, (status, body) => answered({ status, body }));
  });
}
