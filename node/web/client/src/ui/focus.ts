import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Where the keyboard begins on a screen: what was pressed to come here is gone. */
export function useFirst<T extends HTMLElement>(first = true): RefObject<T | null> {
  const element = useRef<T>(null);
  useEffect(() => {
    if (first) element.current?.focus();
  }, []);
  return element;
}
