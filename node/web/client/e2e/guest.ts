/** A person at a page, and what they can see and hear. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest';
import { pretend, type Look } from './person';

const PATIENCE = 15_000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Looks that pictures and tones are told apart by. */
export const LOOKS: readonly Look[] = [
  { hue: 190, tone: 440 },
  { hue: 20, tone: 660 },
  { hue: 280, tone: 880 },
];

let browser: Browser;
let rooms = 0;
const present: Guest[] = [];

/** To be called once in every test file. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.connect(inject('browser'));
  });
  afterEach(async () => {
    const all = present.splice(0);
    const complaints = all.flatMap(({ name, complaints: of }) => of.map((complaint) => `${name}: ${complaint}`));
    await Promise.all(all.map(({ page }) => page.context().close()));
    expect(complaints).toEqual([]);
  });
  afterAll(() => browser.close());
}

/** A room that nobody is in yet. */
export function newRoom(): string {
  return `reef-${process.pid}-${++rooms}`;
}

export interface Visit {
  room?: string;
  /** further parameters of the link's hash */
  hash?: string;
  look?: Look;
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

export class Guest {
  /** errors of the page */
  readonly complaints: string[] = [];

  private constructor(
    readonly name: string,
    readonly page: Page,
  ) {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  /** Opens the page before joining. */
  static async at(name: string, visit: Visit = {}): Promise<Guest> {
    const context = await browser.newContext({
      viewport: visit.viewport ?? { width: 1280, height: 720 },
      colorScheme: visit.colorScheme ?? 'light',
      permissions: ['camera', 'microphone'],
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    await page.addInitScript(pretend, visit.look ?? LOOKS[0]!);
    await page.addInitScript(axe);
    await page.addInitScript(keepSockets);
    const guest = new Guest(name, page);
    present.push(guest);
    const hash = name === '' ? '' : `#userInfo.displayName=${encodeURIComponent(JSON.stringify(name))}`;
    const further = visit.hash === undefined ? '' : `${hash === '' ? '#' : '&'}${visit.hash}`;
    await page.goto(`${inject('origin')}/${visit.room ?? ''}${hash}${further}`);
    return guest;
  }

  /** Opens the page and joins. */
  static async in(room: string, name: string, visit: Visit = {}): Promise<Guest> {
    const guest = await Guest.at(name, { ...visit, room });
    await guest.click('join');
    await guest.joined();
    return guest;
  }

  joined(): Promise<unknown> {
    return this.page.waitForSelector('[data-phase=joined]');
  }

  click(id: string): Promise<void> {
    return this.page.click(`[data-testid="${id}"]`);
  }

  /** The tile of somebody by name, or of their screen. */
  tile(label: string): string {
    const labels = [label, `${label}, speaking`, `${label} (you)`, `${label} (you), speaking`];
    return `:is(${labels.map((of) => `.tile[aria-label="${of}"]`).join()})`;
  }

  async act(label: string, action: string): Promise<void> {
    await this.page.focus(`${this.tile(label)} [data-testid=menu]`);
    await this.page.keyboard.press('Enter');
    await this.page.click(`.menu:popover-open [data-testid="do-${action}"]`);
  }

  async write(text: string): Promise<void> {
    await this.page.fill('[data-testid=chat-input]', text);
    await this.page.press('[data-testid=chat-input]', 'Enter');
  }

  reads(text: string): Promise<unknown> {
    return this.page.waitForSelector(`[data-testid=chat-body]:text-is("${text}")`);
  }

  tiles(): Promise<number> {
    return this.page.locator('.tile').count();
  }

  /** Waits until the picture of a tile has the colour at a place, as a hue; undefined for white. */
  async sees(label: string, hue: number | undefined, at: { x: number; y: number } = { x: 0.5, y: 0.93 }): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(hueAt, { selector: `${this.tile(label)} video`, at }), { timeout: PATIENCE })
      .toSatisfy((seen: number | null | undefined) =>
        hue === undefined ? seen === null : typeof seen === 'number' && Math.abs(((seen - hue + 540) % 360) - 180) < 15,
      );
  }

  /** Waits until somebody's tone comes out of their tile. */
  async hears(label: string, tone: number): Promise<void> {
    await expect
      .poll(() => this.page.evaluate(loudest, `${this.tile(label)} audio`), { timeout: PATIENCE, interval: 300 })
      .toSatisfy((heard: number) => Math.abs(heard - tone) < 30);
  }

  /** What axe finds wrong with what is on the screen. */
  async violations(): Promise<string[]> {
    return this.page.evaluate(async () => {
      const { axe: tool } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
      const { violations } = await tool.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
    });
  }

  /** Cuts the sockets of the page whose URL has this in it. */
  cut(part: string): Promise<void> {
    return this.page.evaluate((of) => {
      const { sockets } = window as unknown as { sockets: WebSocket[] };
      for (const socket of sockets) if (socket.url.includes(of)) socket.close();
    }, part);
  }

  /** Keeps a picture of the page in the folder that ATOLL_SHOTS names, if it names one. */
  async picture(file: string): Promise<void> {
    const folder = process.env['ATOLL_SHOTS'];
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await this.page.mouse.move(0, 0);
    const { length } = await this.page.screenshot({ path: join(folder, file) });
    expect(length).toBeLessThan(200_000);
  }
}

/** Runs in the page: its sockets, for tests that cut them. */
function keepSockets(): void {
  const sockets: WebSocket[] = [];
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  };
  Object.assign(window, { sockets });
}

/** Runs in the page. @returns the hue there, null for white, undefined while there is no picture */
function hueAt({ selector, at }: { selector: string; at: { x: number; y: number } }): number | null | undefined {
  const video = document.querySelector<HTMLVideoElement>(selector);
  if (!video || video.hidden || video.videoWidth === 0 || video.paused) return undefined;
  const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
  const on = canvas.getContext('2d')!;
  on.drawImage(video, 0, 0, 64, 36);
  const [r = 0, g = 0, b = 0] = on.getImageData(Math.floor(at.x * 64), Math.floor(at.y * 36), 1, 1).data;
  const max = Math.max(r, g, b);
  const spread = max - Math.min(r, g, b);
  if (max > 235 && spread < 25) return null;
  if (spread < 40) return undefined;
  const sixth = max === r ? (g - b) / spread : max === g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
  return (sixth * 60 + 360) % 360;
}

/** Runs in the page. @returns the loudest frequency of what an element plays, 0 for silence */
async function loudest(selector: string): Promise<number> {
  const element = document.querySelector<HTMLAudioElement>(selector);
  if (!element || element.muted || element.paused || element.volume === 0 || !element.srcObject) return 0;
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  context.createMediaStreamSource(element.srcObject as MediaStream).connect(analyser);
  await context.resume();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const loud = bins.indexOf(Math.max(...bins));
  const level = bins[loud]!;
  const frequency = (loud * context.sampleRate) / analyser.fftSize;
  await context.close();
  return level > -60 ? frequency : 0;
}
