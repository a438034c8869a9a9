/** The bridge channel: a WebSocket to the URL of the offer, opened again for as long as the session lives. */
import { readMessage, type BridgeMessage } from './messages';

export interface ChannelEvents {
  /** Opened, also again: the node has forgotten what we said before. */
  open(): void;
  message(message: BridgeMessage): void;
}

const RETRY_MAX = 60_000;
/** Until the node that we moved to is asked. */
const MOVED = 100;

export class Channel {
  #socket: WebSocket | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #delay = 1000;
  #closed = false;

  constructor(
    private url: string,
    private readonly events: ChannelEvents,
  ) {
    this.#dial();
  }

  /** Sends when the channel is open; otherwise `open` is the time to send. */
  send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** The channel is at another node from now on; what is open there stays until it ends. */
  move(url: string): void {
    if (url === this.url) return;
    this.url = url;
    this.#delay = MOVED;
    if (this.#retry === undefined || this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#dial(), this.#delay);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
  }

  #dial(): void {
    this.#retry = undefined;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#delay = 1000;
      if (!this.#closed) this.events.open();
    };
    socket.onmessage = ({ data }) => {
      const message = this.#closed ? undefined : readMessage(data);
      if (message) this.events.message(message);
    };
    socket.onclose = () => {
      if (this.#closed) return;
      this.#retry = setTimeout(() => this.#dial(), this.#delay);
      this.#delay = Math.min(this.#delay * 2, RETRY_MAX);
    };
  }
}
