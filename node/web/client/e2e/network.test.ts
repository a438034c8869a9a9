import { expect, test } from 'vitest';
import { Guest, LOOKS, newRoom, useBrowser } from './guest';

useBrowser();

/** Runs in the page: keeps what is asked of the node about its network from it, so that only the test answers. */
function standIn(): void {
  const { sockets } = window as unknown as { sockets: WebSocket[] };
  const socket = sockets.find(({ url }) => url.includes('/colibri-ws'))!;
  const asked: string[] = [];
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    if (typeof data === 'string' && data.includes('AtollTopologyRequest')) asked.push(data);
    else send(data);
  };
  const answer = (message: object): void => {
    socket.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
  };
  Object.assign(window, { asked, answer });
}

/** Runs in the page. @returns what of the panel is not in reach */
function outside(): string[] {
  const wrong: string[] = [];
  const body = document.querySelector<HTMLElement>('.network-body')!;
  if (body.scrollWidth > body.clientWidth) wrong.push(`${body.scrollWidth} wide in ${body.clientWidth}`);
  for (const element of [body.closest('dialog')!, ...body.closest('dialog')!.querySelectorAll('button')]) {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) wrong.push(`${element.tagName} ${left} ${top} ${right} ${bottom}`);
  }
  return wrong;
}

const sizes = [
  { width: 1280, height: 720 },
  { width: 360, height: 640 },
];

test.each(sizes)('the network panel tells nodes, links and ways at $width x $height', async (viewport) => {
  const room = newRoom();
  const ann = await Guest.in(room, 'Ann', { viewport, look: LOOKS[0]! });
  const bob = await Guest.in(room, 'Bob with a name that takes a line of its own', { look: LOOKS[1]! });
  await Promise.all([ann.sees('Bob with a name that takes a line of its own', LOOKS[1]!.hue), bob.sees('Ann', LOOKS[0]!.hue)]);
  const [own, other] = await Promise.all(
    [ann, bob].map((guest) => guest.page.locator('[data-endpoint][data-local]').getAttribute('data-endpoint')),
  );
  await ann.page.evaluate(standIn);
  const asked = (): Promise<string[]> => ann.page.evaluate(() => (window as unknown as { asked: string[] }).asked);

  await ann.page.focus('[data-testid=network]');
  await ann.page.keyboard.press('Enter');
  await ann.page.waitForSelector('text=Asking your node');
  await expect.poll(asked).toEqual(['{"colibriClass":"AtollTopologyRequest"}']);
  await ann.page.evaluate(
    ([own, other]) => {
      const regions = ['eu', 'us', 'ap', 'sa', 'af', 'oc', 'me'];
      const nodes = regions.map((region, k) => ({ name: `node${k}aaaaa`, region, state: region === 'me' ? 'dead' : 'alive' }));
      (window as unknown as { answer(message: object): void }).answer({
        colibriClass: 'AtollTopology',
        self: 'node0aaaaa',
        nodes,
        links: nodes.flatMap(({ name: from }) => nodes.map(({ name: to }) => ({ from, to, up: to !== 'node6aaaaa', rtt_ms: 80, loss: 0.012 }))).filter(({ from, to }) => from < to),
        participants: [{ endpoint: own, node: 'node0aaaaa' }, { endpoint: other, node: 'node1aaaaa' }],
        sources: [
          { name: `${own}-v0`, path: ['node0aaaaa'] },
          { name: `${other}-v0`, path: ['node1aaaaa', 'node2aaaaa', 'node0aaaaa'] },
        ],
      });
    },
    [own, other] as const,
  );
  const row = async (of: string): Promise<string[]> =>
    (await ann.page.locator(of).first().locator('th, td').allInnerTexts()).map((text) => text.trim());
  await ann.page.waitForSelector('[data-testid=network-node]');
  expect(await row('[data-node=node0aaaaa]')).toEqual(['eu (yours)', '1']);
  expect(await row('[data-node=node6aaaaa]')).toEqual(['me (lost)', '0']);
  expect(await ann.page.locator('[data-testid=network-link]').count()).toBe(21);
  expect(await row('[data-testid=network-link]')).toEqual(['eu – us', '80 ms', '1.2 %']);
  expect(await row('[data-testid=network-link]:has-text("eu – me")')).toEqual(['eu – me', 'down', '']);
  expect(await row(`[data-of="${own}"]`)).toEqual(['You', 'eu', 'from you']);
  expect(await row(`[data-of="${other}"]`)).toEqual(['Bob with a name that takes a line of its own', 'us', 'us → ap → eu']);
  expect(await ann.violations()).toEqual([]);
  expect(await ann.page.evaluate(outside)).toEqual([]);
  await ann.picture(`network-${viewport.width}.png`);

  // What is below is read by keyboard; behind the last element the panel begins again.
  await ann.page.locator('.network-body').focus();
  await ann.page.keyboard.press('End');
  await expect.poll(() => ann.page.locator(`[data-of="${other}"]`).evaluate((of) => of.getBoundingClientRect().bottom <= innerHeight)).toBe(true);
  await ann.page.keyboard.press('Escape');
  await expect.poll(asked).toEqual(['{"colibriClass":"AtollTopologyRequest"}', '{"colibriClass":"AtollTopologyRequest","active":false}']);
  expect(await ann.page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('network');
  await ann.page.keyboard.press('Enter');
  await ann.page.waitForSelector('text=Asking your node');
  await ann.click('network-done');
});
