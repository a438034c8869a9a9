import { expect, test } from 'vitest';
import { Guest, newRoom, useBrowser } from './guest';

useBrowser();

test('everything goes by keyboard alone, and where it is can be seen', async () => {
  const room = newRoom();
  const other = await Guest.in(room, 'Other');
  const ann = await Guest.at('');
  const { keyboard } = ann.page;

  /** Presses Tab until the focus is there. */
  const tabTo = async (selector: string): Promise<void> => {
    for (let presses = 0; presses < 40; presses++) {
      const [there, ring] = await ann.page.evaluate((wanted) => {
        const focused = document.activeElement;
        if (!focused || focused === document.body) return [false, true];
        const style = getComputedStyle(focused);
        return [focused.matches(wanted), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];
      }, selector);
      expect(ring).toBe(true);
      if (there) return;
      await keyboard.press('Tab');
    }
    throw new Error(`${selector} is not reached`);
  };

  await tabTo('[data-testid=room-name]');
  await keyboard.type(room);
  await keyboard.press('Enter');
  await ann.page.waitForSelector('[data-testid=join]');
  await tabTo('[data-testid=name]');
  await keyboard.type('Ann');
  await tabTo('[data-testid=pick-microphone]');
  await tabTo('[data-testid=join]');
  await keyboard.press('Enter');
  await ann.joined();
  await other.page.waitForSelector(other.tile('Ann'));
  await ann.page.waitForSelector(ann.tile('Other'));

  await tabTo('[data-testid=mute]');
  await keyboard.press('Space');
  await other.page.waitForSelector(`${other.tile('Ann')}[data-audio-muted]`);

  await tabTo('[data-testid=devices]');
  await keyboard.press('Enter');
  await ann.page.waitForSelector('dialog[open]');
  await keyboard.press('Escape');
  await ann.page.waitForSelector('dialog[open]', { state: 'detached' });

  await tabTo('[data-testid=menu]');
  await keyboard.press('Enter');
  await ann.page.waitForSelector('.menu:popover-open');
  await keyboard.press('ArrowUp');
  await keyboard.press('Home');
  await keyboard.press('Enter');
  await ann.page.waitForSelector('[data-testid=chat-input]:focus');
  await keyboard.type('by keys');
  await keyboard.press('Enter');
  await other.reads('by keys');
  await keyboard.press('Escape');
  await ann.page.waitForSelector('.chat', { state: 'detached' });

  await tabTo('[data-testid=leave]');
  await keyboard.press('Enter');
  await ann.page.waitForSelector('text=You left the meeting.');
  await expect.poll(() => other.tiles()).toBe(1);
  await tabTo('[data-testid=rejoin]');
});
