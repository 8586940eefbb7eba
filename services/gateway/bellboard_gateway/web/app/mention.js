// Mentions: people named in a text, as chips, and the button that asks to be told of one's own.
import { html, classes } from "./html.js";
import { ask, mayAsk } from "./notify.js";
import { changed, person, store } from "./store.js";

const NAME = /(^|[^\w@#/=.&:-])@([A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)/g;

function Chip({ id }) {
  return html`<span class=${classes("mention", id === store.me && "mine")} title=${`@${id}`}>@${person(id)}</span>`;
}

// The people named in a text become chips; those who are meant besides come behind it. draw: draws what stands between.
export function Mentioned({ text = "", mentions = [], draw = (part) => part }) {
  const parts = [], named = new Set();
  let at = 0;
  for (const found of text.matchAll(NAME)) {
    const id = found[2].toLowerCase();
    if (!store.people.has(id)) continue;
    parts.push(draw(text.slice(at, found.index + found[1].length)), html`<${Chip} id=${id} />`);
    named.add(id);
    at = found.index + found[0].length;
  }
  parts.push(draw(text.slice(at)));
  for (const id of mentions) if (!named.has(id)) parts.push(" ", html`<${Chip} id=${id} />`);
  return parts;
}

export function NotifyButton() {
  if (!mayAsk()) return null;
  return html`<button type="button" class="notify" title="Your browser will ask you" onClick=${() => ask().then(changed)}>Notify me of mentions</button>`;
}

// People whom an @ before the cursor may mean.
export function peopleAt(line, cursor) {
  const [, typed] = /(?:^|\s)@([\w.-]*)$/.exec(line.slice(0, cursor)) ?? [];
  if (typed === undefined) return null;
  const low = typed.toLowerCase(), start = cursor - typed.length - 1;
  const known = [...store.people.keys()].filter((id) => id !== low && (id.startsWith(low) || person(id).toLowerCase().startsWith(low)));
  return known.sort().slice(0, 8).map((id) => ({ text: `@${id}`, help: person(id), start }));
}
