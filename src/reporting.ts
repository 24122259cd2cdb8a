import type { Reporter } from './switch/reporter.ts';
import type { Logger } from './telemetry/log.ts';

/** What the core reports, as lines of the thread's log; `what` is the same word in alerts and runbooks. */
export function reporterOf(logger: Logger): Reporter {
  return {
    report(level, what, fields) {
      logger[level]({ what, ...fields }, what);
    },
  };
}
