import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

test('a shared screen is seen large beside the camera, also by who comes later, and ends', async () => {
  const room = newRoom();
  const [red, blue, green] = LOOKS;
  const ann = await Guest.in(room, 'Ann', { look: red! });
  const bob = await Guest.in(room, 'Bob', { look: blue! });
  await ann.sees('Bob', blue!.hue);
  await bob.click('share');
  await bob.page.waitForSelector('[data-testid=share][aria-pressed=true]');
  await bob.page.waitForSelector('.tile[data-screen][data-local]');
  const paper = { x: 0.9, y: 0.3 };
  await ann.sees("Bob's screen", undefined, paper);
  await ann.sees('Bob', blue!.hue);
  await ann.hears('Bob', blue!.tone);
  const [screen, camera] = await Promise.all(
    [ann.tile("Bob's screen"), ann.tile('Bob')].map((tile) => ann.page.locator(tile).boundingBox()),
  );
  expect(screen!.width).toBeGreaterThan(2 * camera!.width);
  expect(await ann.page.locator(`${ann.tile("Bob's screen")} video`).evaluate((video: HTMLVideoElement) => video.videoHeight)).toBe(720);

  const cid = await Guest.in(room, 'Cid', { look: green! });
  await Promise.all([cid.sees("Bob's screen", undefined, paper), cid.sees('Bob', blue!.hue), cid.sees('Ann', red!.hue)]);
  await ann.picture('screen.png');

  await bob.click('share');
  await ann.page.waitForSelector(ann.tile("Bob's screen"), { state: 'detached' });
  await Promise.all([ann.sees('Bob', blue!.hue), cid.sees('Bob', blue!.hue)]);
  await bob.click('share');
  await Promise.all([ann.sees("Bob's screen", undefined, paper), cid.sees("Bob's screen", undefined, paper)]);
  await bob.click('leave');
  await expect.poll(() => ann.tiles()).toBe(2);
});
