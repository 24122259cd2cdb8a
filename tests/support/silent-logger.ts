import { pino } from 'pino';

/** For tests that break things on purpose. */
export const silentLogger = pino({ enabled: false });
