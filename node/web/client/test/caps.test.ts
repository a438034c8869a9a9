import { expect, test } from 'vitest';
import { FEATURES, NODE, VERSION, capsHash, discoAnswer } from '../src/xmpp/disco';
import { sha1 } from '../src/xmpp/sha1';
import { attribute, children } from '../src/xmpp/xml';

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

test('sha1 gives the digests of FIPS 180', () => {
  expect(hex(sha1(''))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  expect(hex(sha1('abc'))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
  expect(hex(sha1('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'))).toBe(
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  );
  expect(hex(sha1('a'.repeat(1000)))).toBe('291e9a6c66994949b57ba5e650361e98fc36b1ba');
});

test('capsHash gives the simple example of XEP-0115 5.2', () => {
  const identities = [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }];
  const features = [
    'http://jabber.org/protocol/muc',
    'http://jabber.org/protocol/disco#items',
    'http://jabber.org/protocol/disco#info',
    'http://jabber.org/protocol/caps',
  ];
  expect(capsHash(identities, features)).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
});

test('the answer to disco#info hashes to the version that presence carries', () => {
  const query = discoAnswer(`${NODE}#${VERSION}`)!;
  const identities = children(query, 'identity').map((identity) => ({
    category: attribute(identity, 'category'),
    type: attribute(identity, 'type'),
    name: attribute(identity, 'name'),
  }));
  const features = children(query, 'feature').map((feature) => attribute(feature, 'var'));
  expect(features.sort()).toEqual([...FEATURES].sort());
  expect(capsHash(identities, features)).toBe(VERSION);
  expect(discoAnswer('https://example.org#other')).toBeUndefined();
});
