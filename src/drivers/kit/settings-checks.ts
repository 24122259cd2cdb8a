// What every kind must do with settings.

import type { TSchema } from '@sinclair/typebox';
import { fitTo, isClosed } from '../contract/open-driver.ts';
import { type Check, demand } from './check.ts';

interface Settled {
  readonly module: { readonly settings: TSchema };
  readonly settings: Readonly<Record<string, unknown>>;
}

interface Driver {
  close(): Promise<void>;
}

type Open<Subject> = (
  subject: Subject,
  settings: Readonly<Record<string, unknown>>,
) => Driver | Promise<Driver>;

/** `open` makes a driver with these settings. */
export function settingsChecks<Subject extends Settled>(
  open: Open<Subject>,
): readonly Check<Subject>[] {
  return [
    {
      name: 'refuses settings that it does not know, and those that lack what it needs',
      run: async (subject) => {
        demand(
          isClosed(subject.module.settings),
          'its schema of settings takes members that it does not name',
        );
        const isBareUnfit = 'flaws' in fitTo(subject.module.settings, {});
        const unfit = [{ ...subject.settings, surprise: 1 }, ...(isBareUnfit ? [{}] : [])];
        for (const settings of unfit) {
          let isRefused = false;
          try {
            await (await open(subject, settings)).close();
          } catch {
            isRefused = true;
          }
          demand(isRefused, `it takes ${Object.keys(settings).length} settings that do not fit`);
        }
      },
    },
  ];
}
