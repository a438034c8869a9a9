import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Channel } from '../src/bridge/channel';

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(readonly url: string) {
    Socket.all.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  open(): void {
    this.readyState = Socket.OPEN;
    this.onopen?.();
  }
}

const URL_OF_OFFER = 'wss://node.example/colibri-ws/n/c/e?pwd=p';
let events: string[];
let channel: Channel;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
  Socket.all = [];
  events = [];
  channel = new Channel(URL_OF_OFFER, {
    open: () => events.push('open'),
    message: (message) => events.push(message.class),
  });
});

afterEach(() => {
  channel.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('sends and receives once it is open', () => {
  const [socket] = Socket.all;
  channel.send({ colibriClass: 'Early' });
  socket!.open();
  channel.send({ colibriClass: 'X' });
  socket!.onmessage?.({ data: '{"colibriClass":"ServerHello"}' });
  socket!.onmessage?.({ data: 'garbage' });
  expect(socket!.sent).toEqual(['{"colibriClass":"X"}']);
  expect(events).toEqual(['open', 'hello']);
});

test('opens the same URL again after 1, 2, 4 … seconds, and after 1 once it was open', () => {
  for (const delay of [1000, 2000, 4000]) {
    const before = Socket.all.length;
    Socket.all.at(-1)!.close();
    vi.advanceTimersByTime(delay - 1);
    expect(Socket.all).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(Socket.all).toHaveLength(before + 1);
  }
  Socket.all.at(-1)!.open();
  Socket.all.at(-1)!.close();
  vi.advanceTimersByTime(1000);
  expect(Socket.all).toHaveLength(5);
  expect(new Set(Socket.all.map(({ url }) => url))).toEqual(new Set([URL_OF_OFFER]));
});

test('stays closed when its session is over', () => {
  Socket.all[0]!.open();
  channel.close();
  vi.advanceTimersByTime(120_000);
  expect(Socket.all).toHaveLength(1);
});

test('goes to another URL when its socket ends, soon', () => {
  const moved = 'wss://other.example/colibri-ws/m/c/e?pwd=p';
  Socket.all.at(-1)!.open();
  channel.move(moved);
  expect(Socket.all).toHaveLength(1);
  Socket.all.at(-1)!.close();
  vi.advanceTimersByTime(1000);
  expect(Socket.all.at(-1)!.url).toBe(moved);
});
