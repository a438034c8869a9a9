import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

test.each(['light', 'dark'] as const)('axe finds nothing on any screen in %s colours', async (colorScheme) => {
  const room = newRoom();
  const start = await Guest.at('', { colorScheme });
  expect(await start.violations()).toEqual([]);

  const ann = await Guest.at('Ann', { room, colorScheme, look: LOOKS[0]!, hash: 'config.subject="Reef survey"' });
  await ann.page.waitForSelector('.frame video:not([hidden])');
  await expect.poll(() => ann.page.locator('[data-testid=level]').getAttribute('aria-valuenow')).not.toBe('0');
  expect(await ann.violations()).toEqual([]);
  if (colorScheme === 'light') await ann.picture('prejoin.png');
  await ann.click('join');
  await ann.joined();
  expect(await ann.violations()).toEqual([]);

  const bob = await Guest.in(room, 'Bob Ray', { look: LOOKS[1]! });
  const cid = await Guest.in(room, 'Cid', { look: LOOKS[2]! });
  await Promise.all([ann.sees('Bob Ray', LOOKS[1]!.hue), ann.sees('Cid', LOOKS[2]!.hue)]);
  await bob.write('Shall we begin?');
  await ann.reads('Shall we begin?');
  await cid.act('Ann', 'write');
  await cid.write('I have the figures of the third week.');
  await ann.write('Yes, please. Bob shows the survey.');
  await cid.reads('Yes, please. Bob shows the survey.');
  await cid.click('mute');
  await ann.page.waitForSelector(`${ann.tile('Cid')}[data-audio-muted]`);
  expect(await ann.violations()).toEqual([]);
  if (colorScheme === 'light') await ann.picture('meeting.png');

  await ann.page.focus(`${ann.tile('Cid')} [data-testid=menu]`);
  await ann.page.keyboard.press('Enter');
  await ann.page.waitForSelector('.menu:popover-open');
  expect(await ann.violations()).toEqual([]);
  await ann.page.keyboard.press('Escape');
  await ann.click('devices');
  expect(await ann.violations()).toEqual([]);
  await ann.click('devices-done');
  await bob.click('share');
  await ann.sees("Bob Ray's screen", undefined, { x: 0.9, y: 0.3 });
  expect(await ann.violations()).toEqual([]);
  await ann.click('leave');
  await ann.page.waitForSelector('[data-testid=ending]');
  expect(await ann.violations()).toEqual([]);
});
