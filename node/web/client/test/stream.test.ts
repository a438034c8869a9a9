import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Stream, type RequestError } from '../src/xmpp/stream';
import { attribute, x } from '../src/xmpp/xml';
import { parseXml } from './xml';

/** The browser's end of a socket, with the server's end in the test's hands. */
class Socket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static all: Socket[] = [];
  readyState = Socket.OPEN;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;

  constructor(readonly url: string) {
    Socket.all.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = Socket.CLOSED;
  }

  say(...data: string[]): void {
    for (const message of data) this.onmessage?.({ data: message });
  }

  cut(): void {
    this.readyState = Socket.CLOSED;
    this.onclose?.({ code: 1006 });
  }

  /** All sent since the last call. */
  take(): string {
    return this.sent.splice(0).join('');
  }
}

const OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="example" id="1" version="1.0"/>';
const features = (inner: string) =>
  `<stream:features xmlns:stream="http://etherx.jabber.org/streams">${inner}</stream:features>`;
const MECHANISMS = features(
  '<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><mechanism>ANONYMOUS</mechanism></mechanisms>',
);
const BIND = features('<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/><sm xmlns="urn:xmpp:sm:3"/>');
const SUCCESS = '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>';
const JID = '05cf9031-583b@example/r';
const BOUND = `<iq xmlns="jabber:client" id="bind" type="result"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><jid>${JID}</jid></bind></iq>`;
const ENABLED = '<enabled xmlns="urn:xmpp:sm:3" id="node-token" resume="true" max="60"/>';
const message = (body: string) => `<message xmlns="jabber:client" from="r@c/x" type="groupchat"><body>${body}</body></message>`;
const REQUEST = '<r xmlns="urn:xmpp:sm:3"/>';

let events: string[];
let stream: Stream;

function authenticate(socket: Socket): void {
  socket.onopen?.();
  socket.say(OPEN, MECHANISMS, SUCCESS, OPEN, BIND);
}

function online(): Socket {
  stream.connect();
  const socket = Socket.all.at(-1)!;
  authenticate(socket);
  socket.say(BOUND, ENABLED);
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
  Socket.all = [];
  events = [];
  stream = new Stream(
    { url: 'wss://example/xmpp-websocket', domain: 'example', room: 'my%20room' },
    {
      online: (jid) => events.push(`online ${jid}`),
      offline: () => events.push('offline'),
      resumed: () => events.push('resumed'),
      lost: (reason) => events.push(`lost ${reason}`),
      stanza: (stanza) => events.push(`${stanza.nodeName} ${stanza.textContent}`),
    },
  );
});

afterEach(() => {
  stream.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('binds anonymously and enables stream management', () => {
  const socket = online();
  expect(socket.url).toBe('wss://example/xmpp-websocket?room=my%2520room');
  expect(events).toEqual([`online ${JID}`]);
  const sent = socket.take();
  expect(sent).toContain(`mechanism='ANONYMOUS'`.replaceAll("'", '"'));
  expect(sent).toMatch(/<enable [^>]*resume="true"/);
});

test('all of the login is sent before anything is answered, and nothing else', () => {
  stream.connect();
  const [socket] = Socket.all;
  socket!.onopen?.();
  const names = () => socket!.sent.map((sent) => parseXml(sent).nodeName);
  expect(names()).toEqual(['open', 'auth', 'open', 'iq', 'enable']);
  stream.send(x('message', { xmlns: 'jabber:client' }));
  expect(names()).toHaveLength(5);
});

test('asks for an acknowledgement after every fifth stanza that has none', () => {
  const socket = online();
  socket.take();
  for (let i = 0; i < 5; i++) stream.send(x('message', { xmlns: 'jabber:client' }));
  expect(parseXml(socket.sent.at(-1)!).nodeName).toBe('r');
  socket.say('<a xmlns="urn:xmpp:sm:3" h="5"/>');
  socket.take();
  for (let i = 0; i < 4; i++) stream.send(x('message', { xmlns: 'jabber:client' }));
  expect(socket.take()).not.toContain('<r ');
});

test('counts what came in and says so when asked', () => {
  const socket = online();
  socket.say(message('one'), message('two'));
  socket.take();
  socket.say(REQUEST);
  expect(attribute(parseXml(socket.take()), 'h')).toBe('2');
});

test('resumes a cut session by its token: exact count, what was not acknowledged again, what waited after it', () => {
  const socket = online();
  socket.say(message('one'), message('two'), message('three'));
  stream.send(x('message', { xmlns: 'jabber:client', to: 'r@c' }, x('body', {}, 'acknowledged')));
  stream.send(x('message', { xmlns: 'jabber:client', to: 'r@c' }, x('body', {}, 'unknown')));
  socket.cut();
  stream.send(x('message', { xmlns: 'jabber:client', to: 'r@c' }, x('body', {}, 'waited')));
  vi.advanceTimersByTime(200);

  const again = Socket.all.at(-1)!;
  expect(again).not.toBe(socket);
  expect(again.url).toBe('wss://example/xmpp-websocket?room=my%2520room&previd=node-token');
  authenticate(again);
  const resume = parseXml(again.sent.at(-1)!);
  expect([resume.nodeName, attribute(resume, 'h'), attribute(resume, 'previd')]).toEqual(['resume', '3', 'node-token']);
  again.take();
  again.say('<resumed xmlns="urn:xmpp:sm:3" h="1" previd="node-token"/>', message('four'));
  const sent = again.take();
  expect(sent).not.toContain('acknowledged');
  expect(sent.indexOf('unknown')).toBeGreaterThanOrEqual(0);
  expect(sent.indexOf('waited')).toBeGreaterThan(sent.indexOf('unknown'));
  expect(events).toEqual([
    `online ${JID}`,
    'message one',
    'message two',
    'message three',
    'offline',
    'resumed',
    'message four',
  ]);
  again.say(REQUEST);
  expect(attribute(parseXml(again.take()), 'h')).toBe('4');
});

test('a session that the server no longer has is lost, not bound anew', () => {
  online().cut();
  vi.advanceTimersByTime(200);
  const again = Socket.all.at(-1)!;
  authenticate(again);
  again.take();
  again.say('<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>');
  expect(events).toEqual([`online ${JID}`, 'offline', 'lost session-expired']);
  expect(again.take()).not.toContain('bind');
});

test('gives up a server that stays away after a minute', () => {
  online().cut();
  for (let i = 0; i < 30; i++) {
    vi.advanceTimersByTime(4000);
    Socket.all.at(-1)!.cut();
  }
  expect(events.at(-1)).toBe('lost connection-lost');
  const attempts = Socket.all.length;
  vi.advanceTimersByTime(60_000);
  expect(Socket.all).toHaveLength(attempts);
});

test('a first connection that fails is lost', () => {
  stream.connect();
  Socket.all.at(-1)!.cut();
  vi.advanceTimersByTime(100);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatch(/^lost /);
});

test('pings when nothing comes in, and drops a socket that stays silent', () => {
  const socket = online();
  socket.take();
  vi.advanceTimersByTime(9_000);
  expect(socket.take()).toBe('');
  vi.advanceTimersByTime(1_500);
  const ping = parseXml(socket.take());
  expect([attribute(ping, 'to'), attribute(ping, 'type')]).toEqual(['example', 'get']);
  socket.say(`<iq xmlns="jabber:client" from="example" id="${attribute(ping, 'id')}" type="result"/>`);
  expect(events).toEqual([`online ${JID}`]);
  return vi.advanceTimersByTimeAsync(25_000).then(() => {
    expect(events).toContain('offline');
  });
});

test('requests take the answer of whom they asked, from nobody else', async () => {
  const socket = online();
  const ask = () => stream.request(x('iq', { xmlns: 'jabber:client', to: 'focus.example', type: 'get' }));
  const given = ask();
  const refused = ask().catch((error: RequestError) => error.condition);
  const silent = ask().catch((error: RequestError) => error.condition);
  const [first, second] = socket.sent.slice(-3).map((sent) => attribute(parseXml(sent), 'id'));
  socket.say(
    `<iq xmlns="jabber:client" from="evil@example/x" id="${first}" type="result"><evil/></iq>`,
    `<iq xmlns="jabber:client" from="focus.example" id="${first}" type="result"><good/></iq>`,
    `<iq xmlns="jabber:client" from="focus.example" id="${second}" type="error"><error type="auth"><not-authorized xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></iq>`,
  );
  expect((await given).firstChild!.nodeName).toBe('good');
  expect(await refused).toBe('not-authorized');
  vi.advanceTimersByTime(10_000);
  expect(await silent).toBe('timeout');
});

test('a handler that throws does not end the stream', () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const socket = online();
  events.push = () => {
    throw new Error('broken');
  };
  socket.say(message('one'));
  events.push = Array.prototype.push;
  socket.say(message('two'));
  expect(events.at(-1)).toBe('message two');
  error.mockRestore();
});

test('looks for its session at other nodes when its own is gone, and stays where it found it', () => {
  stream = new Stream(
    { url: 'ws://one/xmpp-websocket', domain: 'example', room: 'r', elsewhere: ['ws://two/xmpp-websocket', 'ws://three/xmpp-websocket'] },
    {
      online: (jid) => events.push(`online ${jid}`),
      offline: () => events.push('offline'),
      resumed: () => events.push('resumed'),
      lost: (reason) => events.push(`lost ${reason}`),
      stanza: () => undefined,
    },
  );
  online();
  events = [];
  Socket.all.at(-1)!.cut();
  const hosts: string[] = [];
  const next = (): Socket => {
    vi.advanceTimersByTime(4_000);
    const socket = Socket.all.at(-1)!;
    hosts.push(new URL(socket.url).host);
    expect(new URL(socket.url).searchParams.get('previd')).toBe('node-token');
    return socket;
  };
  next().cut();
  const two = next();
  authenticate(two);
  two.say('<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>');
  expect(events).toEqual(['offline']);
  const three = next();
  authenticate(three);
  three.say('<resumed xmlns="urn:xmpp:sm:3" h="0" previd="node-token"/>');
  expect(events).toEqual(['offline', 'resumed']);
  three.cut();
  next();
  expect(hosts).toEqual(['one', 'two', 'three', 'three']);
});

test('looks for a session that moves at its new node first, and at the old address in turn', () => {
  const socket = online();
  stream.move('wss://other.example:8443');
  socket.cut();
  const hosts: string[] = [];
  for (let tries = 0; tries < 4; tries++) {
    vi.advanceTimersByTime(4000);
    const next = Socket.all.at(-1)!;
    hosts.push(next.url.replace(/\?.*/, ''));
    next.cut();
  }
  const there = 'wss://other.example:8443/xmpp-websocket';
  expect(hosts).toEqual([there, 'wss://example/xmpp-websocket', there, 'wss://example/xmpp-websocket']);
});
