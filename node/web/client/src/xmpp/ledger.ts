/**
 * Stream management (XEP-0198) of one session: what both ends have handled. Counted are iq, message and presence, from
 * <enable/> on; counters wrap at 2^32 and outlive the socket.
 */
export class Ledger {
  /** what names the session when it is resumed; '' when it cannot be */
  token = '';
  /** stanzas that came in */
  handled = 0;
  /** sent and not acknowledged, the oldest first, with the number of the last that was */
  #unacknowledged: string[] = [];
  #acknowledged = 0;

  came(): void {
    this.handled = (this.handled + 1) >>> 0;
  }

  /** @returns whether it is time to ask for an acknowledgement */
  sent(stanza: string): boolean {
    this.#unacknowledged.push(stanza);
    return this.#unacknowledged.length % 5 === 0;
  }

  acknowledged(h: number): void {
    const count = (h - this.#acknowledged) >>> 0;
    if (!Number.isInteger(h) || count > this.#unacknowledged.length) return;
    this.#unacknowledged.splice(0, count);
    this.#acknowledged = h >>> 0;
  }

  /** What the other end has perhaps not seen. */
  get unacknowledged(): readonly string[] {
    return this.#unacknowledged;
  }
}
