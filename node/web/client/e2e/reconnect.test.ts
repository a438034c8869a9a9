import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

test('a cut socket comes back by itself: nobody leaves, nothing is lost', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { look: LOOKS[0]! });
  const bob = await Guest.in(room, 'Bob', { look: LOOKS[1]! });
  await ann.sees('Bob', LOOKS[1]!.hue);
  const endpoint = await ann.page.locator(ann.tile('Bob')).getAttribute('data-endpoint');
  await bob.page.evaluate(() => {
    const seen: string[] = [];
    new MutationObserver(() => {
      if (document.querySelector('[data-testid=reconnecting]')) seen.push('banner');
    }).observe(document.body, { childList: true, subtree: true });
    Object.assign(window, { seen });
  });
  await bob.cut('/xmpp-websocket');
  await ann.write('are you there?');
  await bob.reads('are you there?');
  expect(await bob.page.evaluate(() => (window as unknown as { seen: string[] }).seen)).toContain('banner');
  await expect.poll(() => bob.page.locator('[data-testid=reconnecting]').count()).toBe(0);
  expect(await ann.page.locator(ann.tile('Bob')).getAttribute('data-endpoint')).toBe(endpoint);
  await bob.cut('/colibri-ws');
  await bob.click('camera');
  await ann.page.waitForSelector(`${ann.tile('Bob')} .avatar`);
  await bob.click('camera');
  await ann.sees('Bob', LOOKS[1]!.hue);
});

test('a session that the node no longer has is joined anew', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { look: LOOKS[0]! });
  const bob = await Guest.in(room, 'Bob', { look: LOOKS[1]! });
  await Promise.all([ann.sees('Bob', LOOKS[1]!.hue), bob.sees('Ann', LOOKS[0]!.hue)]);
  const endpoint = await ann.page.locator(ann.tile('Bob')).getAttribute('data-endpoint');
  // A farewell ends the session for good; the socket that is cut then cannot be resumed.
  await bob.page.evaluate(() => {
    const { sockets } = window as unknown as { sockets: WebSocket[] };
    sockets.find(({ url }) => url.includes('/xmpp-websocket'))!.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>');
  });
  await Promise.all([ann.sees('Bob', LOOKS[1]!.hue), bob.sees('Ann', LOOKS[0]!.hue)]);
  await expect.poll(() => ann.page.locator(ann.tile('Bob')).getAttribute('data-endpoint')).not.toBe(endpoint);
  await Promise.all([ann.sees('Bob', LOOKS[1]!.hue), bob.sees('Ann', LOOKS[0]!.hue), bob.hears('Ann', LOOKS[0]!.tone)]);
  expect(await ann.tiles()).toBe(2);
});
