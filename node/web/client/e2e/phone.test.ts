import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

const phone = { width: 360, height: 640 };

/** Runs in the page. @returns what cannot be reached without scrolling sideways, or at all */
function outside(): string[] {
  const wrong: string[] = [];
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll<HTMLElement>('button, input, select, textarea, .tile')) {
    if (element.closest('[popover], dialog') || element.closest('.strip')) continue;
    const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
    if (width === 0) continue;
    const name = element.getAttribute('aria-label') ?? element.id;
    if (left < 0 || right > innerWidth) wrong.push(`${name} is beside the screen`);
    if ((top < 0 || bottom > innerHeight) && !element.closest('.card')) wrong.push(`${name} is below the screen`);
    if (element.matches('.controls *') && Math.min(width, height) < 44) wrong.push(`${name} is ${width} x ${height}`);
  }
  return wrong;
}

test('at 360 x 640 everything is in reach', async () => {
  const room = newRoom();
  const ann = await Guest.at('Ann', { room, viewport: phone, look: LOOKS[0]!, hash: 'config.subject="Reef survey"' });
  await ann.page.waitForSelector('.frame video:not([hidden])');
  expect(await ann.page.evaluate(outside)).toEqual([]);
  expect(await ann.violations()).toEqual([]);
  await ann.click('join');
  await ann.joined();
  const bob = await Guest.in(room, 'Bob', { look: LOOKS[1]! });
  await Guest.in(room, 'Cid', { look: LOOKS[2]! });
  await Promise.all([ann.sees('Bob', LOOKS[1]!.hue), ann.sees('Cid', LOOKS[2]!.hue)]);
  expect(await ann.page.evaluate(outside)).toEqual([]);
  expect(await ann.violations()).toEqual([]);
  await ann.picture('phone.png');

  await ann.click('chat');
  await ann.write('from a small screen');
  await bob.reads('from a small screen');
  expect(await ann.page.evaluate(outside)).toEqual([]);
  expect(await ann.violations()).toEqual([]);
  await ann.picture('phone-chat.png');
  await ann.click('chat');

  await bob.click('share');
  await ann.sees("Bob's screen", undefined, { x: 0.9, y: 0.3 });
  expect(await ann.page.evaluate(outside)).toEqual([]);
  await ann.picture('phone-screen.png');
});
