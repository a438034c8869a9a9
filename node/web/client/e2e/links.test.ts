import { expect, test } from 'vitest';
import { Guest, newRoom, useBrowser } from './guest';

useBrowser();

test('links name the person, mute them, give the meeting a subject and skip the page before joining', async () => {
  const room = newRoom();
  const ann = await Guest.at('', {
    room: `${room}?jwt=not.a.token`,
    hash: 'userInfo.displayName="Ann"&config.prejoinConfig.enabled=false&config.startWithAudioMuted=true&config.subject=Plan%20B',
  });
  await ann.joined();
  await ann.page.waitForSelector(`${ann.tile('Ann')}[data-audio-muted]`);
  expect(await ann.page.locator('h1').innerText()).toBe('Plan B');

  const bob = await Guest.at('', {
    room,
    hash: 'userInfo.displayName=Bob&config.prejoinPageEnabled=false&config.startWithVideoMuted=true',
  });
  await bob.joined();
  await bob.page.waitForSelector(bob.tile('Bob'));
  await expect.poll(() => bob.page.locator('h1').innerText()).toBe('Plan B');
  await ann.page.waitForSelector(`${ann.tile('Bob')}:not([data-audio-muted]) .avatar`);
});
