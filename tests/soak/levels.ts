// What the switch holds in memory while a soak runs, as its metrics tell it.

const WITHIN_MS = 20_000;

export interface Levels {
  /** Bills in memory, resting ones included. */
  readonly residents: number;
  /** Transitions that history does not have. */
  readonly unwritten: number;
  /** Heap of the largest worker, bytes. */
  readonly heap: number;
}

const NONE: Levels = { residents: 0, unwritten: 0, heap: 0 };

export class LevelWatch {
  readonly #baseUrl: string;
  now = NONE;
  highest = NONE;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** Looks once; where nobody answers, what was seen last stands. */
  async look(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(WITHIN_MS);
      const text = await (await fetch(`${this.#baseUrl}/metrics`, { signal })).text();
      const values = (name: string): number[] => [0, ...valuesOf(text, name)];
      const sum = (name: string): number => values(name).reduce((left, right) => left + right);
      const { highest } = this;
      this.now = {
        residents: sum('qrswitch_bills_resident'),
        unwritten: sum('qrswitch_transitions_unwritten'),
        heap: Math.max(...values('qrswitch_heaps_used_bytes{thread="worker-')),
      };
      this.highest = {
        residents: Math.max(highest.residents, this.now.residents),
        unwritten: Math.max(highest.unwritten, this.now.unwritten),
        heap: Math.max(highest.heap, this.now.heap),
      };
    } catch {
      // It is being started again.
    }
  }
}

/** In words. */
export function levelsIn({ residents, unwritten, heap }: Levels): string {
  const mib = Math.round(heap / 1_048_576);
  return `${residents} bills in memory, ${unwritten} transitions unwritten, worker's heap ${mib} MiB`;
}

function valuesOf(text: string, name: string): number[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
}
