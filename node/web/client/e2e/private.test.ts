import { expect, test } from 'vitest';
import { Guest, newRoom, useBrowser } from './guest';

useBrowser();

test('a private message reaches one person, marked as such; who does not look sees how many there are', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann');
  const bob = await Guest.in(room, 'Bob');
  const cid = await Guest.in(room, 'Cid');
  await expect.poll(() => ann.tiles()).toBe(3);
  await bob.click('chat');

  await ann.act('Bob', 'write');
  await expect.poll(() => ann.page.evaluate(() => document.activeElement?.id)).toBe('chat-input');
  await ann.write('only you');
  await ann.page.waitForSelector('[data-private]:has-text("privately to Bob"):has-text("only you")');
  await ann.page.selectOption('[data-testid=chat-to]', '');
  await ann.write('all of you');
  await cid.reads('all of you');
  expect(await cid.page.locator('[data-testid=chat-body]').allInnerTexts()).toEqual(['all of you']);

  await expect.poll(() => bob.page.locator('[data-testid=unread]').innerText()).toBe('2');
  await bob.click('chat');
  await bob.reads('all of you');
  expect(await bob.page.locator('[data-private] [data-testid=chat-body]').allInnerTexts()).toEqual(['only you']);
  expect(await bob.page.locator('[data-testid=unread]').count()).toBe(0);
});

test('what was meant for somebody who left is not sent to all', async () => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann');
  const bob = await Guest.in(room, 'Bob');
  const cid = await Guest.in(room, 'Cid');
  await expect.poll(() => ann.tiles()).toBe(3);
  await ann.act('Bob', 'write');
  await bob.click('leave');
  await expect.poll(() => ann.tiles()).toBe(2);
  await ann.write('secret');
  await ann.page.selectOption('[data-testid=chat-to]', '');
  await ann.write('public');
  await cid.reads('public');
  expect(await cid.page.locator('[data-testid=chat-body]').allInnerTexts()).not.toContain('secret');
});
