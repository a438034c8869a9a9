// The libraries, each as a function that connects anonymously and returns
//
//   { jid, received: [ltx element], request(iq) -> ltx element, send(ltx element), close() }
//
// What goes through is made into each library's own elements, so that its own parser, builder, stream management and handling of
// requests are used.
import { client, xml } from '@xmpp/client';
import { Stanza, Strophe } from 'strophe.js';
import { parse } from 'ltx';
import { RecordingSocket } from './sockets.mjs';

globalThis.WebSocket = RecordingSocket; // after strophe.js, which sets one itself

Strophe.setLogLevel(Strophe.LogLevel.ERROR);

export const libraries = { '@xmpp/client': xmppClient, 'strophe.js': strophe };

async function xmppClient(url, domain) {
  const xmpp = client({ service: url, domain });
  const received = [];
  const errors = [];
  xmpp.reconnect.stop();
  xmpp.on('error', (error) => errors.push(error));
  xmpp.on('stanza', (stanza) => received.push(parse(stanza.toString())));
  const own = (element) => xml(element.name, element.attrs, ...element.children.map((c) => (typeof c === 'string' ? c : own(c))));
  const jid = await xmpp.start();
  return {
    jid: jid.toString(),
    received,
    request: async (iq) => parse((await xmpp.iqCaller.request(own(iq), 5000)).toString()),
    send: (element) => xmpp.send(own(element)),
    async close() {
      // stop gives the server's <close/>; when none came within its time, nothing.
      const answer = await xmpp.stop();
      if (!answer?.is('close', 'urn:ietf:params:xml:ns:xmpp-framing')) throw new Error(`@xmpp/client: <close/> was answered by ${answer}`);
      if (errors.length > 0) throw new Error(`@xmpp/client: ${errors.join('; ')}`);
    },
  };
}

async function strophe(url, domain) {
  const connection = new Strophe.Connection(url, { enableStreamManagement: true });
  const received = [];
  const states = [];
  const names = Object.fromEntries(Object.entries(Strophe.Status).map(([name, number]) => [number, name]));
  const read = (element) => parse(Strophe.serialize(element));
  const own = (element) => Stanza.toElement(element.toString());
  let reached;
  const state = (name) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`strophe.js: not ${name} but ${states}`)), 5000);
    reached = () => states.includes(name) && resolve(clearTimeout(timer));
    reached();
  });
  connection.connect(domain, '', (status) => {
    states.push(names[status]);
    reached?.();
  });
  await state('CONNECTED');
  connection.addHandler((element) => received.push(read(element)));
  return {
    jid: connection.jid,
    received,
    request: async (iq) => new Promise((resolve, reject) =>
      connection.sendIQ(own(iq), (answer) => resolve(read(answer)), (error) => reject(new Error(`strophe.js: ${error ? Strophe.serialize(error) : 'no answer'}`)), 5000)),
    send: async (element) => connection.send(own(element)),
    async close() {
      connection.disconnect();
      await state('DISCONNECTED');
      const wrong = states.filter((s) => !['CONNECTING', 'AUTHENTICATING', 'CONNECTED', 'DISCONNECTING', 'DISCONNECTED'].includes(s));
      if (wrong.length > 0) throw new Error(`strophe.js: went through ${states}`);
    },
  };
}
