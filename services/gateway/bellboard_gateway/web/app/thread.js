// A thread, beside the room.
import { html } from "./html.js";
import { Composer } from "./composer.js";
import { Timeline } from "./room.js";
import { changed, store } from "./store.js";

export function Thread({ id }) {
  const close = () => { store.thread = ""; changed(); };
  return html`<aside class="thread" aria-label="Thread">
    <header class="room-head"><h2>Thread</h2><button type="button" class="close" onClick=${close} aria-label="Close the thread">✕</button></header>
    <${Timeline} thread=${id} />
    <${Composer} thread=${id} />
  </aside>`;
}
