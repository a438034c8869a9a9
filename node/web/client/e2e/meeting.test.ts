import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();
const [red, blue, green] = LOOKS as [(typeof LOOKS)[0], (typeof LOOKS)[0], (typeof LOOKS)[0]];

test('three people see, hear and read each other, come and go', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { look: red });
  const bob = await Guest.in(room, 'Bob', { look: blue });
  await Promise.all([ann.sees('Bob', blue.hue), ann.hears('Bob', blue.tone), bob.sees('Ann', red.hue), bob.hears('Ann', red.tone)]);

  await ann.write('hello <b>&amp;');
  await bob.reads('hello <b>&amp;');

  await bob.click('mute');
  await ann.page.waitForSelector(`${ann.tile('Bob')}[data-audio-muted] .muted`);
  await ann.page.waitForSelector(`${ann.tile('Ann')}[data-speaking]`);
  await bob.click('mute');
  await ann.page.waitForSelector(`${ann.tile('Bob')}:not([data-audio-muted])`);
  await ann.click('mute');
  await ann.page.waitForSelector(`${ann.tile('Bob')}[data-speaking]`);
  await ann.click('mute');
  await ann.hears('Bob', blue.tone);

  await bob.click('camera');
  await ann.page.waitForSelector(`${ann.tile('Bob')} .avatar`);
  await bob.click('camera');
  await ann.sees('Bob', blue.hue);

  const cid = await Guest.in(room, 'Cid', { look: green });
  await Promise.all([cid.sees('Ann', red.hue), cid.sees('Bob', blue.hue), ann.sees('Cid', green.hue), bob.sees('Cid', green.hue)]);
  await Promise.all([cid.hears('Ann', red.tone), cid.hears('Bob', blue.tone), ann.hears('Cid', green.tone)]);

  await bob.click('leave');
  await bob.page.waitForSelector('text=You left the meeting.');
  await expect.poll(() => ann.tiles()).toBe(2);
  await bob.click('rejoin');
  await bob.click('join');
  await Promise.all([ann.sees('Bob', blue.hue), bob.sees('Cid', green.hue), bob.hears('Ann', red.tone)]);

  await cid.page.reload();
  await expect.poll(() => ann.tiles()).toBe(2);
  await cid.click('join');
  await Promise.all([ann.sees('Cid', green.hue), bob.sees('Cid', green.hue), cid.sees('Ann', red.hue), cid.hears('Bob', blue.tone)]);
  expect(await ann.tiles()).toBe(3);
});

test('without a camera one joins all the same', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { look: red });
  const blind = await Guest.at('Blind', { room, look: { ...blue, blind: true } });
  await blind.page.waitForSelector('text=No camera was found.');
  await blind.click('join');
  await Promise.all([blind.sees('Ann', red.hue), ann.hears('Blind', blue.tone)]);
  await ann.page.waitForSelector(`${ann.tile('Blind')} .avatar`);
});
