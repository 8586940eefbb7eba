// What stands in a room, in order: talk and cards, those in threads apart, and a card's children on the card.
import { html, classes, Component } from "./html.js";
import { Blocks, Upload } from "./blocks.js";
import { Card } from "./card.js";
import { Mentioned } from "./mention.js";
import { changed, drop, feed, person, say, sayAnew, store, time } from "./store.js";
import { Stamp, Who } from "./who.js";
import { onDay } from "./words.js";

// A word or two with what is a link made one, and people named; nothing else in a line means anything.
const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/g;
function Text({ text = "" }) {
  const linked = (words) => words.split(LINK).map((part, at) =>
    at % 2 ? html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>` : part);
  return html`<p class="text"><${Mentioned} text=${text} draw=${linked} /></p>`;
}

function Talk({ line, follows, replies, openThread }) {
  const { person: id, text, uploads = [] } = line;
  return html`<article class=${classes("entry", "talk", follows && "follows")} data-line=${line.id}>
    ${follows ? html`<span class="gutter"><${Stamp} at=${time(line.at)} /></span>` : html`<${Who} id=${id} />`}
    <div class="content">
      ${!follows && html`<header><b>${person(id)}</b><${Stamp} at=${time(line.at)} /></header>`}
      ${text && html`<${Text} text=${text} />`}
      ${uploads.map((blob) => html`<${Upload} key=${blob.sha256} blob=${blob} />`)}
      ${openThread && html`<button type="button" class=${classes("reply", !replies && "quiet")} onClick=${openThread}>${replies || "Reply in thread"}</button>`}
    </div>
  </article>`;
}

const WAITING = { sending: "sending…", taken: "sending…", unconfirmed: "not confirmed yet; asking again…" };

function Pending({ id, waiting }) {
  const refused = waiting.state === "refused";
  return html`<article class=${classes("entry", "talk", "pending", refused && "refused")} data-pending=${id}>
    <${Who} id=${store.me} />
    <div class="content">
      <header><b>${person(store.me)}</b><span class="stamp">${refused ? "" : WAITING[waiting.state]}</span></header>
      <${Text} text=${waiting.said.text} />
      ${refused && html`<p class="refusal" role="alert">Not accepted: ${waiting.reason}.
        <button type="button" onClick=${() => sayAnew(id)}>Try again</button>
        <button type="button" onClick=${() => drop(id)}>Drop it</button></p>`}
    </div>
  </article>`;
}

function Answer({ answer }) {
  return html`<article class="entry talk answer"><span class="gutter"></span><div class="content">
    <header><span class="stamp">only you see this</span></header>
    <${Blocks} blocks=${answer.blocks} run=${(line) => say(line, { explicit: true })} />
  </div></article>`;
}

// Draws an entry again only when what it shows changed; a room may hold hundreds.
class Still extends Component {
  shouldComponentUpdate(next) { return next.mark !== this.props.mark || next.sum !== this.props.sum; }
  render({ draw }) { return draw(); }
}

// The entries of a room (thread "") or of one of its threads, oldest first.
export function entriesOf(thread) {
  const { cards, lines } = feed();
  const all = [...cards.values()];
  const shownOn = (card) => card.card_id !== card.command_id && cards.has(card.card_id);
  const children = Map.groupBy ? Map.groupBy(all.filter(shownOn), (card) => card.card_id) : group(all.filter(shownOn));
  const replies = new Map();
  const count = (id) => id && replies.set(id, (replies.get(id) ?? 0) + 1);
  for (const { line } of lines.values()) count(line.thread);
  const entries = [];
  for (const card of all) {
    if (shownOn(card)) continue;
    count(card.thread);
    if ((card.thread ?? "") === thread || card.command_id === thread) entries.push({ id: card.command_id, at: time(card.received_at), card, children: children.get(card.command_id) ?? [] });
  }
  for (const { sequence, line } of lines.values()) {
    if ((line.thread ?? "") === thread || line.id === thread) entries.push({ id: line.id, at: time(line.at), sequence, line });
  }
  for (const answer of store.answers) {
    if (answer.said.room === store.room && (answer.said.thread ?? "") === thread) entries.push({ id: answer.id, at: answer.at, answer });
  }
  entries.sort((a, b) => a.at - b.at);
  return { entries, replies };
}

function group(cards) {
  const groups = new Map();
  for (const card of cards) groups.set(card.card_id, [...(groups.get(card.card_id) ?? []), card]);
  return groups;
}

// Whether what was said stands in the room already; its verdict may come later.
const stands = (id) => feed().lines.has(id) || [...feed().cards.values()].some((card) => card.message_id === id);

const CLOSE = 5 * 60e3;
const plural = (count) => (count ? `${count} ${count === 1 ? "reply" : "replies"}` : "");

export function Entries({ thread }) {
  const { entries, replies } = entriesOf(thread);
  const shown = [];
  let before = null;
  for (const entry of entries) {
    const day = onDay(entry.at);
    if (!before || onDay(before.at) !== day) shown.push(html`<div class="day" role="separator" key=${`day-${day}`}><span>${day}</span></div>`);
    const follows = !!(entry.line && before?.line && before.line.person === entry.line.person && entry.at - before.at < CLOSE && onDay(before.at) === day);
    const count = thread ? 0 : replies.get(entry.id) ?? 0;
    const openThread = thread ? null : () => { store.thread = entry.id; location.hash = store.room; changed(); };
    const sum = [count, follows, store.online, store.focus, store.people.size].join();
    if (entry.answer) shown.push(html`<${Answer} key=${entry.id} answer=${entry.answer} />`);
    else if (entry.line) shown.push(html`<${Still} key=${entry.id} mark=${entry.line} sum=${sum}
      draw=${() => html`<${Talk} line=${entry.line} follows=${follows} replies=${plural(count)} openThread=${openThread} />`} />`);
    else shown.push(html`<${Still} key=${entry.id} mark=${entry.card} sum=${`${sum},${entry.children.map((child) => `${child.sequence}:${child.blocks?.length}`)}`}
      draw=${() => html`<${Card} card=${entry.card} children=${entry.children} replies=${plural(count)} openThread=${openThread} />`} />`);
    before = entry;
  }
  for (const [id, waiting] of store.outbox) {
    if (waiting.said.room === store.room && waiting.said.thread === thread && !stands(id)) shown.push(html`<${Pending} key=${id} id=${id} waiting=${waiting} />`);
  }
  return shown;
}

