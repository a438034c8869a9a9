/** A button that opens a list of things to do. */
import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from './icons';

export interface Action {
  name: string;
  label: string;
  act(): void;
  danger?: boolean;
}

const MARGIN = 4;

export function Menu({ label, actions }: { label: string; actions: readonly Action[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const items = (): HTMLElement[] => [...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  const toggled = (event: Event): void => {
    const opened = (event as ToggleEvent).newState === 'open';
    setOpen(opened);
    if (opened) {
      if (button.current && list.current) place(button.current, list.current);
      items()[0]?.focus();
    }
  };
  const close = (): void => {
    list.current?.hidePopover();
    button.current?.focus();
  };
  const key = (event: KeyboardEvent): void => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      all[(step + all.length) % all.length]?.focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault();
      close();
    }
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class="round small menu-button"
        data-testid="menu"
        popovertarget={id}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={label}
        title={label}
      >
        <Icon name="more" />
      </button>
      <div ref={list} id={id} popover="auto" class="menu" role="menu" aria-label={label} onToggle={toggled} onKeyDown={key}>
        {actions.map(({ name, label: what, act, danger }) => (
          <button
            key={name}
            type="button"
            role="menuitem"
            tabIndex={-1}
            class={danger ? 'danger' : ''}
            data-testid={`do-${name}`}
            onClick={() => {
              close();
              act();
            }}
          >
            {what}
          </button>
        ))}
      </div>
    </>
  );
}

/** Below the button when there is room, else above it. */
function place(button: HTMLElement, list: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const left = Math.min(Math.max(MARGIN, at.right - list.offsetWidth), innerWidth - list.offsetWidth - MARGIN);
  const below = at.bottom + MARGIN;
  const fits = below + list.offsetHeight <= innerHeight - MARGIN;
  const top = fits ? below : Math.max(MARGIN, at.top - list.offsetHeight - MARGIN);
  list.style.left = `${left}px`;
  list.style.top = `${top}px`;
}
