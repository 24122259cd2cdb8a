// The names of the wallets that an institution's bills can be paid in, for pages that anybody opens as often as they like.

import type { InstitutionId } from '../../domain/ids.ts';
import type { PayingWallets, WalletNames } from '../../switch/directory.ts';
import { isDefect, tellDefect } from '../../switch/failures.ts';
import type { Clock } from '../../switch/ports.ts';
import type { GatewayLog } from './options.ts';

const FRESH_MS = 60_000;
/** After a question that nobody answered. */
const RETRY_MS = 5_000;
/** A page is shown without the names rather than later. */
const WAIT_MS = 1_000;
const INSTITUTIONS_MAX = 1_000;

const NOT_KNOWN: WalletNames = { names: [], isMore: false };

interface Known {
  readonly wallets: WalletNames | null;
  /** Monotonic, ms: when they are asked for again. */
  readonly until: number;
  readonly asked: Promise<void>;
}

/** However many look, the directory is asked once a minute for each institution. */
export class KnownWallets {
  readonly #wallets: PayingWallets;
  readonly #clock: Clock;
  readonly #log: Pick<GatewayLog, 'error'>;
  readonly #known = new Map<InstitutionId, Known>();

  constructor(options: {
    readonly wallets: PayingWallets;
    readonly clock: Clock;
    readonly log: Pick<GatewayLog, 'error'>;
  }) {
    this.#wallets = options.wallets;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** None while they are not known. Those that are known are shown while newer ones are asked for. */
  async of(institutionId: InstitutionId): Promise<WalletNames> {
    let known = this.#known.get(institutionId);
    if (known === undefined || this.#clock.monotonic() >= known.until) {
      known = this.#ask(institutionId, known?.wallets ?? null);
    }
    if (known.wallets === null) await this.#inTime(known.asked);
    return this.#known.get(institutionId)?.wallets ?? NOT_KNOWN;
  }

  #ask(institutionId: InstitutionId, before: WalletNames | null): Known {
    const asked: Promise<void> = this.#wallets.payingFor(institutionId).then(
      (wallets) => this.#keep(institutionId, { wallets, until: this.#after(FRESH_MS), asked }),
      (error: unknown) => {
        if (isDefect(error)) {
          const told = { what: 'directory.defect', ...tellDefect(error) };
          this.#log.error(told, 'directory.defect');
        }
        this.#keep(institutionId, { wallets: before, until: this.#after(RETRY_MS), asked });
      },
    );
    // Until it is answered, nobody asks again.
    const asking = { wallets: before, until: Number.POSITIVE_INFINITY, asked };
    this.#keep(institutionId, asking);
    return asking;
  }

  #keep(institutionId: InstitutionId, known: Known): void {
    this.#known.delete(institutionId);
    this.#known.set(institutionId, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > INSTITUTIONS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  #after(ms: number): number {
    return this.#clock.monotonic() + ms;
  }

  #inTime(asked: Promise<void>): Promise<void> {
    return new Promise((done) => {
      const cancel = this.#clock.after(WAIT_MS, done);
      void asked.then(() => {
        cancel();
        done();
      });
    });
  }
}
