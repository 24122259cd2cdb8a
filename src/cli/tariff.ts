// `qrswitch tariff`: what a stay costs under a tariff, line by line, and how that grows; and those that a switch keeps.

import { Command, InvalidArgumentError } from 'commander';
import type { Tariff } from '../domain/tariff/tariff.ts';
import type { Millis } from '../domain/time.ts';
import { readTariff } from '../protocols/schemas/tariff.ts';
import { parseTime } from '../protocols/wire-time.ts';
import { chargeAsJson } from './charge-json.ts';
import { explain } from './explained.ts';
import { explanation } from './explanation.ts';
import { CommandFailure, type Io } from './io.ts';
import { jsonIn } from './json-file.ts';
import { keptTariffCommands } from './kept-tariffs.ts';
import { pricePlot } from './price-plot.ts';

interface Options {
  readonly from: Millis;
  readonly to: Millis;
  readonly json?: true;
  readonly plot?: true;
}

const WIDTH_MAX = 120;
const WIDTH = 80;

export function tariffCommand(io: Io): Command {
  const command = new Command('tariff').description('works with tariffs: what time costs');
  for (const each of [explainCommand(io), ...keptTariffCommands(io)]) command.addCommand(each);
  return command;
}

function explainCommand(io: Io): Command {
  return new Command('explain')
    .description('tells what a stay costs under a tariff, line by line')
    .argument('<file>', 'the tariff, as JSON')
    .requiredOption('--from <time>', 'when the stay starts (RFC 3339)', timeOption)
    .requiredOption('--to <time>', 'when it ends (RFC 3339)', timeOption)
    .option('--json', 'print it as JSON')
    .option('--plot', 'draw the price over the time of the stay')
    .action((file: string, options: Options) => {
      const explained = explain(tariffIn(file), options.from, options.to);
      if (options.json) {
        io.stdout.write(`${JSON.stringify(chargeAsJson(explained), null, 2)}\n`);
        return;
      }
      const width = Math.min(io.stdout.columns ?? WIDTH, WIDTH_MAX);
      const plot = options.plot ? ['', ...pricePlot(explained, width)] : [];
      io.stdout.write(`${[...explanation(explained), ...plot].join('\n')}\n`);
    });
}

function timeOption(text: string): Millis {
  const time = parseTime(text);
  if (time === undefined) {
    throw new InvalidArgumentError('It must be a time like 2026-03-29T00:30:00Z.');
  }
  return time;
}

function tariffIn(file: string): Tariff {
  const { tariff, violations } = readTariff(jsonIn(file));
  if (tariff !== undefined) return tariff;
  const lines = violations.map(({ path, message }) => `  ${path === '' ? 'it' : path} ${message}`);
  throw new CommandFailure(
    [`${file} is not a tariff that can be charged by:`, ...lines].join('\n'),
  );
}
