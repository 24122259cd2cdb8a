// The thread of a driver's process that ends it once its host is gone. The process itself learns of that between two turns,
// and a driver that never gives back its processor has no next turn: it would live on for ever, and take a core.

import { Socket } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { HOST_LINE } from './messages.ts';

// The host alone holds the other end and says nothing there, so that it closes as the host ends, however that comes.
const line = new Socket({ fd: HOST_LINE, readable: true, writable: false });
line.on('error', () => undefined);
line.on('close', () => process.kill(process.pid, 'SIGKILL'));
line.resume();

// What is awaited before a driver is loaded.
parentPort?.postMessage('watching');
