import { render } from 'preact';
import { App } from './ui/app';
import './ui/style.css';

declare global {
  interface Window {
    /** from /config.js */
    config?: unknown;
  }
}

render(<App />, document.getElementById('app')!);
