import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

test('a moderator mutes, makes moderators and removes; others are not offered it', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { look: LOOKS[0]! });
  const bob = await Guest.in(room, 'Bob', { look: LOOKS[1]! });
  await Promise.all([ann.sees('Bob', LOOKS[1]!.hue), bob.sees('Ann', LOOKS[0]!.hue)]);
  await bob.page.focus(`${bob.tile('Ann')} [data-testid=menu]`);
  await bob.page.keyboard.press('Enter');
  expect(await bob.page.locator('.menu:popover-open [role=menuitem]').allInnerTexts()).toEqual(['Write privately']);
  await bob.page.keyboard.press('Escape');

  await ann.act('Bob', 'mute');
  await bob.page.waitForSelector('text=Ann muted you.');
  await ann.page.waitForSelector(`${ann.tile('Bob')}[data-audio-muted]`);
  await ann.act('Bob', 'camera-off');
  await bob.page.waitForSelector('[data-testid=camera][aria-pressed=true]');
  await bob.click('share');
  await ann.page.waitForSelector(ann.tile("Bob's screen"));
  await ann.act('Bob', 'screen-off');
  await ann.page.waitForSelector(ann.tile("Bob's screen"), { state: 'detached' });

  await ann.act('Bob', 'grant');
  await ann.page.waitForSelector(`${ann.tile('Bob')} [aria-label=Moderator]`);
  await bob.act('Ann', 'kick');
  await ann.page.waitForSelector('text=You were removed from the meeting.');
  await expect.poll(() => bob.tiles()).toBe(1);
});
