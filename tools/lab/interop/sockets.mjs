// Gives both libraries a WebSocket that remembers what passed. Node.js has none of its own before version 22.
import WebSocket from 'ws';

/** Every socket that was opened: { url, frames: [['sent' | 'received', text]], closed: undefined | { code, clean } } */
export const sockets = [];

export class RecordingSocket extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols);
    this.record = { url: String(url), frames: [], closed: undefined };
    sockets.push(this.record);
    // Listeners of our own: a library may take its own away before the last frame comes.
    this.on('message', (data) => this.record.frames.push(['received', String(data)]));
    this.on('close', (code) => (this.record.closed = { code, clean: code === 1000 }));
  }

  send(data, ...rest) {
    this.record.frames.push(['sent', String(data)]);
    super.send(data, ...rest);
  }
}
