// Two clients of other people's libraries meet in a room of a node, talk, and leave; exits with 1 and the reason when anything is
// not as the standards have it. usage: node interop.mjs ws://127.0.0.1:8080/xmpp-websocket localhost FIRST SECOND
import assert from 'node:assert/strict';
import { parse } from 'ltx';
import { libraries } from './libraries.mjs';
import { sockets } from './sockets.mjs';

const MUC = 'http://jabber.org/protocol/muc';
const FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing';
const PATIENCE = 5000;

const [url, domain, ...names] = process.argv.slice(2);
const room = `interop@conference.${domain}`;

async function until(client, what, test) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const found = client.received.find(test);
    if (found) return found;
  }
  throw new Error(`${client.name}: no ${what} within ${PATIENCE} ms; last received ${client.received.slice(-3).join('\n')}`);
}

const statuses = (presence) => (presence.getChild('x', `${MUC}#user`)?.getChildren('status') ?? []).map(({ attrs }) => attrs.code).sort();
const presenceOf = (nick, type) => ({ name, attrs }) => name === 'presence' && attrs.from === `${room}/${nick}` && attrs.type === type;
const saying = (nick, text) => (stanza) =>
  stanza.is('message') && stanza.attrs.type === 'groupchat' && stanza.attrs.from === `${room}/${nick}` && stanza.getChildText('body') === text;

async function join(name) {
  const client = { name, ...(await libraries[name](`${url}?room=interop`, domain)) };
  const [, nick] = /^([0-9a-f]{8})[^@/]*@[^/]+\/.+$/.exec(client.jid) ?? assert.fail(`${name}: bound to ${client.jid}`);
  client.nick = nick;
  assert.ok(client.jid.includes(`@${domain}/`), `${name}: bound to ${client.jid}`);

  const ping = await client.request(parse(`<iq xmlns="jabber:client" type="get" to="${domain}"><ping xmlns="urn:xmpp:ping"/></iq>`));
  assert.equal(ping.attrs.type, 'result', `${name}: ping`);
  const info = await client.request(parse(`<iq xmlns="jabber:client" type="get" to="${domain}"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`));
  assert.ok(info.getChild('query').getChildren('feature').length > 0, `${name}: the domain has no features`);

  await client.send(parse(`<presence xmlns="jabber:client" to="${room}/${nick}"><x xmlns="${MUC}"/></presence>`));
  const own = await until(client, 'presence of its own', presenceOf(nick));
  assert.ok(statuses(own).includes('110'), `${name}: joined with ${own}`);
  // Others come before oneself, the subject after (XEP-0045 7.1).
  await until(client, 'subject', (stanza) => stanza.is('message') && stanza.getChild('subject') !== undefined);
  assert.ok(client.received.findIndex((s) => s.is('message')) > client.received.indexOf(own), `${name}: a message before its own presence`);
  return client;
}

async function say(clients, speaker, text) {
  const message = parse(`<message xmlns="jabber:client" to="${room}" type="groupchat" id="m-${speaker.nick}"><body/></message>`);
  message.getChild('body').t(text);
  await speaker.send(message);
  for (const client of clients) await until(client, `"${text}"`, saying(speaker.nick, text));
}

async function leave(client, others) {
  await client.send(parse(`<presence xmlns="jabber:client" to="${room}/${client.nick}" type="unavailable"/>`));
  const own = await until(client, 'unavailable presence of its own', presenceOf(client.nick, 'unavailable'));
  assert.deepEqual(statuses(own), ['110'], `${client.name}: left with ${own}`);
  for (const other of others) {
    const seen = await until(other, `unavailable presence of ${client.name}`, presenceOf(client.nick, 'unavailable'));
    assert.deepEqual(statuses(seen), [], `${other.name}: saw ${seen}`);
  }
}

const first = await join(names[0]);
const second = await join(names[1]);
assert.notEqual(first.nick, second.nick);
await until(first, 'presence of the other', presenceOf(second.nick));
assert.ok(second.received.some(presenceOf(first.nick)), 'the second was not told of the first');
await say([first, second], first, 'one & two <three>');
await say([first, second], second, 'and “four”');
await leave(second, [first]);
await second.close();
await say([first], first, 'alone');
await leave(first, []);
await first.close();

// What the sockets saw, whatever the libraries made of it.
for (const end = Date.now() + PATIENCE; sockets.some((s) => !s.closed) && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
assert.equal(sockets.length, names.length, 'no library connected again');
for (const [k, { frames, closed }] of sockets.entries()) {
  const stanzas = frames.map(([direction, text]) => [direction, parse(text)]);
  const received = stanzas.filter(([direction]) => direction === 'received').map(([, element]) => element);
  for (const element of received) {
    assert.notEqual(element.attrs.type, 'error', `${names[k]}: ${element}`);
    assert.ok(!['failure', 'failed'].includes(element.name) && element.getNS() !== 'http://etherx.jabber.org/streams' || element.is('features'),
      `${names[k]}: ${element}`);
  }
  // Every <a/> counts the stanzas that were sent before its <r/>.
  let sent = 0;
  const asked = [];
  for (const [direction, { name, attrs }] of stanzas) {
    if (direction === 'received' && name === 'a') assert.equal(Number(attrs.h), asked.shift(), `${names[k]}: acknowledged`);
    if (direction === 'sent' && name === 'r') asked.push(sent);
    // Counting begins with <enable/>, which comes after the request to bind.
    if (direction === 'sent' && name === 'enable') sent = 0;
    if (direction === 'sent' && ['iq', 'message', 'presence'].includes(name)) sent++;
  }
  assert.deepEqual(asked, [], `${names[k]}: a request for acknowledgement was not answered`);
  const last = received.at(-1);
  assert.ok(last.name === 'close' && last.attrs.xmlns === FRAMING, `${names[k]}: the last word was ${last}`);
  assert.equal(received.filter(({ name }) => name === 'close').length, 1);
  assert.ok(received.some((e) => e.name === 'enabled'), `${names[k]}: no stream management`);
  assert.deepEqual(closed, { code: 1000, clean: true }, `${names[k]}: the socket closed with ${closed?.code}`);
}
console.log(`${names.join(' and ')}: ${sockets.map(({ frames }) => `${frames.length} frames`).join(', ')}`);
