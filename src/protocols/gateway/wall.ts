// The wall around each call and each socket: a mistake of ours costs whoever it was made for its answer, and nobody else
// anything. What is called later, by a native callback, a timer, a shard or a promise, goes through here.

/** For whose sake something is done: what is thrown there is told, and answered. */
export interface Walled {
  failed(error: unknown): void;
}

export type OnReply = (status: number, body: Uint8Array) => void;

/** Who is answered, once: what comes after the first answer is dropped. */
export interface Answered extends Walled {
  readonly reply: OnReply;
}

/** The callback as it may be handed out: what it throws goes no further. */
export function guarded<Args extends readonly unknown[]>(
  whose: Walled,
  callback: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      whose.failed(error);
    }
  };
}

/** Its answer, as a shard is to give it. */
export function replyTo(whose: Answered): OnReply {
  return guarded(whose, (status, body) => whose.reply(status, body));
}

/**
 * Goes on with what the promise brings, guarded; what it rejects with is answered likewise. What is there already is gone on
 * with in this turn.
 */
export function when<Value>(
  whose: Walled,
  value: Value | Promise<Value>,
  goOn: (value: Value) => void,
): void {
  if (value instanceof Promise) value.then(goOn).catch((error: unknown) => whose.failed(error));
  else goOn(value);
}
