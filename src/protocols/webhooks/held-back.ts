// What is pending for one endpoint, while it waits for what that is owed.

import type { BillId } from '../../domain/ids.ts';
import type { Parcel } from './parcel.ts';

export interface HeldParcel {
  readonly parcel: Parcel;
  /** From when its life is counted. */
  readonly since: number;
}

export class HeldBack {
  /** By bill and number. */
  readonly #held = new Map<BillId, Map<number, HeldParcel>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get parcels(): Parcel[] {
    return [...this.#held.values()].flatMap((of) => [...of.values()].map(({ parcel }) => parcel));
  }

  hold(held: HeldParcel): void {
    const { bill, event } = held.parcel.event;
    const of = this.#held.get(bill.id) ?? new Map<number, HeldParcel>();
    this.#held.set(bill.id, of);
    if (!of.has(event.no)) this.#size += 1;
    of.set(event.no, held);
  }

  drop(billId: BillId, no: number): void {
    const of = this.#held.get(billId);
    if (of?.delete(no) !== true) return;
    this.#size -= 1;
    if (of.size === 0) this.#held.delete(billId);
  }

  /** Takes out what comes before an event of its bill. */
  takeBefore(billId: BillId, no: number): HeldParcel[] {
    const of = [...(this.#held.get(billId) ?? [])].filter(([each]) => each < no);
    for (const [each] of of) this.drop(billId, each);
    return of.map(([, held]) => held);
  }

  takeAll(): HeldParcel[] {
    const all = [...this.#held.values()].flatMap((of) => [...of.values()]);
    this.#held.clear();
    this.#size = 0;
    return all;
  }
}
