/**
 * The XMPP stream of the page: WebSocket (RFC 7395), ANONYMOUS, bind, stream management (XEP-0198).
 *
 * All of the login is sent at once, without waiting for the answers between: online after one round trip on an open
 * socket, resumed after one too. A lost socket is resumed for as long as the server keeps the session (`?previd=` in
 * the URL names it, so that a server can find who holds it); what is sent meanwhile waits. When the session is gone the
 * stream is over: `lost` is called once, and whoever wants to go on makes a new Stream. A session can be resumed at any node: those
 * that are known are tried in turn.
 */
import { Ledger } from './ledger';
import { NS } from './names';
import { attribute, child, errorCondition, parse, serialize, text, x } from './xml';

export interface StreamEvents {
  /** Bound: the JID is final. */
  online(jid: string): void;
  /** The socket is gone, resumption is being tried. */
  offline(): void;
  /** The same session on a new socket. */
  resumed(): void;
  /** Over. @param reason an XMPP condition or a word of ours */
  lost(reason: string): void;
  /** Every iq, presence and message but the answers to our requests. */
  stanza(stanza: Element): void;
}

export interface StreamConfig {
  url: string;
  domain: string;
  room: string;
  /** the same at other nodes, that are tried when a lost socket cannot be opened again */
  elsewhere?: readonly string[];
}

/** An IQ that was answered with an error, or not at all (`timeout`, `closed`). */
export class RequestError extends Error {
  constructor(
    readonly condition: string,
    readonly stanza?: Element,
  ) {
    super(condition);
  }
}

interface Request {
  to: string;
  resolve(result: Element): void;
  reject(error: RequestError): void;
  timer: ReturnType<typeof setTimeout>;
}

const REQUEST_TIMEOUT = 10_000;
const ATTEMPT_TIMEOUT = 10_000;
/** Then the next node is tried: one whose machine is gone does not refuse. */
const ELSEWHERE_TIMEOUT = 4_000;
/** Nodes that do not know our session until it is over. */
const DENIALS = 3;
const RESUME_FOR = 60_000;
const RESUME_DELAYS = [100, 500, 1000, 2000, 4000];
const PING_IDLE = 10_000;
const PING_TIMEOUT = 5_000;
const PINGS_LOST = 2;
const WAITING_MAX = 200;

const BIND = 'bind';

type Phase = 'new' | 'connecting' | 'online' | 'offline' | 'over';

export class Stream {
  jid = '';
  #phase: Phase = 'new';
  #socket: WebSocket | undefined;
  readonly #ledger = new Ledger();
  readonly #requests = new Map<string, Request>();
  #waiting: Element[] = [];
  #attempts = 0;
  #offlineSince = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempt: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #pingsLost = 0;
  #lastId = 0;
  #home: string;
  #denials = 0;

  constructor(
    private readonly config: StreamConfig,
    private readonly events: StreamEvents,
  ) {
    this.#home = config.url;
  }

  connect(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'connecting';
    this.#dial();
  }

  /** Sends now, or as soon as the session is resumed. */
  send(stanza: Element): void {
    if (this.#phase === 'online') this.#sendNow(stanza);
    else if (this.#phase === 'offline' && this.#waiting.length < WAITING_MAX) this.#waiting.push(stanza);
  }

  /** Sends an IQ (its id is set here) and gives its result; rejects with RequestError. */
  request(iq: Element, timeout = REQUEST_TIMEOUT): Promise<Element> {
    const id = `p${++this.#lastId}`;
    iq.setAttribute('id', id);
    return new Promise((resolve, reject) => {
      if (this.#phase === 'over') {
        reject(new RequestError('closed'));
        return;
      }
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new RequestError('timeout'));
      }, timeout);
      this.#requests.set(id, { to: attribute(iq, 'to'), resolve, reject, timer });
      this.send(iq);
    });
  }

  /** Tries at once to resume, e.g. because the network came back. */
  hurry(): void {
    if (this.#phase === 'offline' && this.#retry !== undefined) this.#redial(0);
  }

  /**
   * Our session moves to another node: the next socket is opened there, and while that fails at both in turn.
   * @param base scheme and host of its WebSockets
   */
  move(base: string): void {
    const home = new URL(this.config.url);
    const { protocol, host } = new URL(base);
    home.protocol = protocol;
    home.host = host;
    this.#home = home.href;
  }

  /** Closes for good; `lost` is not called. */
  close(): void {
    if (this.#phase === 'online') this.#write(x('close', { xmlns: NS.framing }));
    this.#end();
  }

  #url(): string {
    const url = new URL(this.#attempts === 0 ? this.config.url : this.#next());
    url.searchParams.set('room', this.config.room);
    if (this.#ledger.token !== '') url.searchParams.set('previd', this.#ledger.token);
    return url.href;
  }

  /** Where to look for the session: where it was last, by the name that we came by, at the other nodes that we know. */
  #next(): string {
    const all = [...new Set([this.#home, this.config.url, ...(this.config.elsewhere ?? [])])];
    return all[(this.#attempts - 1) % all.length]!;
  }

  #dial(): void {
    const url = this.#url();
    const socket = new WebSocket(url, 'xmpp');
    this.#socket = socket;
    clearTimeout(this.#attempt);
    this.#attempt = setTimeout(() => this.#drop(), this.#elsewhere() ? ELSEWHERE_TIMEOUT : ATTEMPT_TIMEOUT);
    socket.onopen = () => {
      if (socket === this.#socket) this.#login();
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#receive(String(data));
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#drop();
    };
  }

  #login(): void {
    const open = x('open', { xmlns: NS.framing, to: this.config.domain, version: '1.0' });
    this.#write(open);
    this.#write(x('auth', { xmlns: NS.sasl, mechanism: 'ANONYMOUS' }));
    this.#write(open);
    if (this.#phase === 'offline') {
      this.#write(x('resume', { xmlns: NS.management, h: this.#ledger.handled, previd: this.#ledger.token }));
      return;
    }
    this.#write(x('iq', { xmlns: 'jabber:client', id: BIND, type: 'set' }, x('bind', { xmlns: NS.bind })));
    this.#write(x('enable', { xmlns: NS.management, resume: 'true' }));
  }

  #receive(data: string): void {
    const element = parse(data);
    if (!element) return;
    this.#heard();
    switch (element.nodeName) {
      case 'iq':
      case 'message':
      case 'presence':
        this.#stanza(element);
        return;
      case 'r':
        this.#write(x('a', { xmlns: NS.management, h: this.#ledger.handled }));
        return;
      case 'a':
        this.#ledger.acknowledged(Number(attribute(element, 'h')));
        return;
      case 'enabled':
        if (attribute(element, 'resume') === 'true') this.#ledger.token = attribute(element, 'id');
        this.#online();
        return;
      case 'resumed':
        this.#resumed(element);
        return;
      case 'failed':
        // A node that does not know it may be the only one that does not.
        if (this.#phase === 'offline' && this.#elsewhere() && ++this.#denials < DENIALS) this.#drop();
        else this.#lose('session-expired');
        return;
      case 'failure':
        this.#lose(errorCondition(element) || 'not-authorized');
        return;
      case 'stream:error':
        if (errorCondition(element) === 'conflict') this.#lose('conflict');
        return;
      case 'close':
        this.#drop();
        return;
    }
  }

  #online(): void {
    if (this.#phase !== 'connecting' || this.jid === '') return;
    clearTimeout(this.#attempt);
    this.#phase = 'online';
    this.#heard();
    this.events.online(this.jid);
  }

  /** Another node can be asked for our session. */
  #elsewhere(): boolean {
    return this.#phase === 'offline' && (this.config.elsewhere ?? []).length > 0;
  }

  #resumed(element: Element): void {
    if (this.#phase !== 'offline') return;
    clearTimeout(this.#attempt);
    this.#phase = 'online';
    this.#home = this.#attempts === 0 ? this.config.url : this.#next();
    this.#attempts = this.#denials = 0;
    this.#ledger.acknowledged(Number(attribute(element, 'h')));
    for (const stanza of this.#ledger.unacknowledged) this.#socket?.send(stanza);
    for (const stanza of this.#waiting.splice(0)) this.#sendNow(stanza);
    this.#heard();
    this.events.resumed();
  }

  /** The socket is of no use any more. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    clearTimeout(this.#attempt);
    clearTimeout(this.#ping);
    if (this.#phase === 'over') return;
    if (this.#phase === 'connecting' || this.#ledger.token === '') {
      this.#lose('connection-lost');
      return;
    }
    if (this.#phase === 'online') {
      this.#phase = 'offline';
      this.#offlineSince = Date.now();
      this.#attempts = 0;
      this.events.offline();
    } else if (Date.now() - this.#offlineSince > RESUME_FOR) {
      this.#lose('connection-lost');
      return;
    }
    this.#redial(RESUME_DELAYS[Math.min(this.#attempts++, RESUME_DELAYS.length - 1)]!);
  }

  #redial(delay: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#phase === 'offline') this.#dial();
    }, delay);
  }

  #lose(reason: string): void {
    if (this.#phase === 'over') return;
    this.#end();
    this.events.lost(reason);
  }

  #end(): void {
    this.#phase = 'over';
    clearTimeout(this.#retry);
    clearTimeout(this.#attempt);
    clearTimeout(this.#ping);
    this.#waiting = [];
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
    for (const request of this.#requests.values()) {
      clearTimeout(request.timer);
      request.reject(new RequestError('closed'));
    }
    this.#requests.clear();
  }

  #write(element: Element): void {
    this.#socket?.send(serialize(element));
  }

  #sendNow(stanza: Element): void {
    const written = serialize(stanza);
    const ask = this.#ledger.sent(written);
    this.#socket?.send(written);
    if (ask) this.#write(x('r', { xmlns: NS.management }));
  }

  #stanza(stanza: Element): void {
    if (this.#phase === 'connecting') {
      this.#bound(stanza);
      return;
    }
    this.#ledger.came();
    try {
      if (!this.#answered(stanza)) this.events.stanza(stanza);
    } catch (error) {
      console.error('stanza not handled', error);
    }
  }

  #bound(stanza: Element): void {
    if (attribute(stanza, 'id') !== BIND) return;
    const bind = child(stanza, 'bind', NS.bind);
    this.jid = text(bind && child(bind, 'jid'));
    if (this.jid === '') this.#lose(errorCondition(stanza) || 'not-authorized');
  }

  #answered(stanza: Element): boolean {
    const type = attribute(stanza, 'type');
    if (stanza.nodeName !== 'iq' || (type !== 'result' && type !== 'error')) return false;
    const id = attribute(stanza, 'id');
    const request = this.#requests.get(id);
    const from = attribute(stanza, 'from');
    const trusted = request && (from === request.to || (from === '' && [this.config.domain, ''].includes(request.to)));
    if (!request || !trusted) return true;
    this.#requests.delete(id);
    clearTimeout(request.timer);
    if (type === 'result') request.resolve(stanza);
    else request.reject(new RequestError(errorCondition(stanza) || 'undefined-condition', stanza));
    return true;
  }

  /** Something came in: the next ping waits. */
  #heard(): void {
    this.#pingsLost = 0;
    clearTimeout(this.#ping);
    if (this.#phase === 'online') this.#ping = setTimeout(() => void this.#pingNow(), PING_IDLE);
  }

  async #pingNow(): Promise<void> {
    const ping = x('iq', { xmlns: 'jabber:client', to: this.config.domain, type: 'get' }, x('ping', { xmlns: NS.ping }));
    try {
      await this.request(ping, PING_TIMEOUT);
    } catch (error) {
      if (this.#phase !== 'online' || (error as RequestError).condition !== 'timeout') return;
      if (++this.#pingsLost >= PINGS_LOST) this.#drop();
      else this.#ping = setTimeout(() => void this.#pingNow(), 0);
    }
  }
}

/** An IQ result, or an error with its condition, for a request that came in. */
export function answer(iq: Element, payload?: Element): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: attribute(iq, 'from') || undefined, id: attribute(iq, 'id'), type: 'result' },
    payload,
  );
}

export function refuse(iq: Element, type: 'cancel' | 'modify' | 'wait', condition: string, extra?: Element): Element {
  return x(
    'iq',
    { xmlns: 'jabber:client', to: attribute(iq, 'from') || undefined, id: attribute(iq, 'id'), type: 'error' },
    x('error', { type }, x(condition, { xmlns: NS.stanzas }), extra),
  );
}
