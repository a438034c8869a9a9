import { expect, test } from 'vitest';
import { Ledger } from '../src/xmpp/ledger';

test('what is acknowledged is forgotten, the rest is kept in order', () => {
  const ledger = new Ledger();
  for (const stanza of ['a', 'b', 'c']) ledger.sent(stanza);
  ledger.acknowledged(2);
  expect(ledger.unacknowledged).toEqual(['c']);
  ledger.sent('d');
  ledger.acknowledged(2);
  expect(ledger.unacknowledged).toEqual(['c', 'd']);
});

test('an acknowledgement of more than was sent, of less than before, or of nonsense changes nothing', () => {
  const ledger = new Ledger();
  ledger.sent('a');
  ledger.sent('b');
  ledger.acknowledged(1);
  for (const h of [3, 0, NaN, -1]) ledger.acknowledged(h);
  expect(ledger.unacknowledged).toEqual(['b']);
});

test('the counter wraps at 2^32', () => {
  const ledger = new Ledger();
  ledger.handled = 0xffffffff;
  ledger.came();
  expect(ledger.handled).toBe(0);
});
