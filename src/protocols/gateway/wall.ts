// The wall around each call and each socket: a mistake of ours costs whoever it was made for its answer, and nobody else
// anything. What is called later, by a native callback, a timer, a shard or a promise, goes through here.

/** For whose sake something is done: what is thrown there is told, and answered. */
export interface Walled {
  failed(error: unknown): void;
}

/** Who is answered, once: what comes after the first answer is dropped. */
export interface Answered extends Walled {
  reply(status: number, body: Uint8Array): void;
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

/** Goes on with what the promise brings, guarded; what it rejects with is answered likewise. */
export function when<Value>(
  whose: Walled,
  promise: Promise<Value>,
  goOn: (value: Value) => void,
): void {
  promise.then(goOn).catch((error: unknown) => whose.failed(error));
}
