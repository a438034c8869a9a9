/** Browsers may refuse to play sound before a click; then the page asks for one. */
import { signal } from '@preact/signals';

export const soundBlocked = signal(false);
const refused = new Set<HTMLMediaElement>();

export function play(element: HTMLMediaElement): void {
  element.play().then(
    () => forget(element),
    (error: unknown) => {
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      refused.add(element);
      soundBlocked.value = true;
    },
  );
}

export function forget(element: HTMLMediaElement): void {
  refused.delete(element);
  soundBlocked.value = refused.size > 0;
}

/** To be called from a click. */
export function playRefused(): void {
  for (const element of refused) play(element);
}
