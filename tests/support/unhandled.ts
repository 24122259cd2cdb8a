// A rejection that nobody handles ends a thread of the switch. Here it is what a test waits for, in place of the runner.

const EVENT = 'unhandledRejection';

/** The reason of the next one; the test is to wait for it. */
export function nextUnhandled(): Promise<unknown> {
  const others = process.listeners(EVENT);
  process.removeAllListeners(EVENT);
  return new Promise((done) => {
    process.once(EVENT, (reason) => {
      for (const listener of others) process.on(EVENT, listener);
      done(reason);
    });
  });
}
