// The tariffs of all merchants, as a gateway holds them: each revision read once, when main tells of it.

import type { Tariff } from '../domain/tariff/tariff.ts';
import type { Tariffs, ToldTariff } from '../switch/tariffs.ts';
import { readTariff } from './schemas/tariff.ts';

export class TariffBook implements Tariffs {
  /** By merchant, then by name. */
  readonly #tariffs = new Map<string, Map<string, Tariff>>();

  /**
   * What has changed; or, as a whole, all that there is. Returns those that cannot be read: what was put was read before it
   * was stored, so that these come from another version of the switch. No bill is made of them.
   */
  learn(told: readonly ToldTariff[], isWhole: boolean): ToldTariff[] {
    if (isWhole) this.#tariffs.clear();
    return told.filter((each) => !this.#learn(each));
  }

  find(merchantId: string, name: string): Tariff | undefined {
    return this.#tariffs.get(merchantId)?.get(name);
  }

  #learn({ merchantId, name, revision, document }: ToldTariff): boolean {
    const ofMerchant = this.#tariffs.get(merchantId) ?? new Map<string, Tariff>();
    if (document === null) {
      ofMerchant.delete(name);
      if (ofMerchant.size === 0) this.#tariffs.delete(merchantId);
      return true;
    }
    const { tariff } = readTariff(document);
    this.#tariffs.set(merchantId, ofMerchant);
    if (tariff === undefined) ofMerchant.delete(name);
    else ofMerchant.set(name, { ...tariff, origin: { name, revision } });
    return tariff !== undefined;
  }
}
