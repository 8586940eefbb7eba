// Who, and when.
import { html, classes } from "./html.js";
import { isBot, person, store } from "./store.js";
import { atClock, atExact } from "./words.js";

// A steady hue: people by their place in the list, so that few share one; bots by their name.
function hue(id) {
  const at = [...store.people.keys()].indexOf(id);
  return (at >= 0 ? at * 5 : [...id].reduce((sum, letter) => sum + letter.codePointAt(0), 0)) % 12;
}

export function Who({ id, small }) {
  const initials = person(id).split(/[\s._-]+/).map((word) => [...word][0] ?? "").slice(0, 2).join("").toUpperCase();
  return html`<span class=${classes("who", small && "small", isBot(id) && "bot", `hue-${hue(id)}`)} aria-hidden="true">${initials || "?"}</span>`;
}

export function Stamp({ at, href }) {
  if (!at) return null;
  const shown = html`<time datetime=${new Date(at).toISOString()} title=${atExact(at)}>${atClock(at)}</time>`;
  return href ? html`<a class="stamp" href=${href}>${shown}</a>` : html`<span class="stamp">${shown}</span>`;
}
