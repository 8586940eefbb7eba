// The bell board: a little window for each room, whose flag drops when something happened there; and who is in.
import { html, classes } from "./html.js";
import { NotifyButton } from "./mention.js";
import { person, store, unread, unseen } from "./store.js";
import { Who } from "./who.js";

export function Bell() {
  return html`<svg class="bell" viewBox="0 0 24 24" aria-hidden="true"><path
    d="M12 2.600a1.400 1.400 0 0 1 1.400 1.400v.5c2.800.6 4.400 3 4.400 5.900 0 3.400.700 4.600 1.800 5.600.4.4.2 1-.4 1H4.800c-.6 0-.8-.6-.4-1 1.100-1 1.800-2.200 1.800-5.600 0-2.900 1.600-5.300 4.400-5.900V4A1.400 1.400 0 0 1 12 2.600zM10 18.600h4a2 2 0 0 1-4 0z"/></svg>`;
}

function RoomLink({ room }) {
  const rings = unread(room);
  const mentions = unseen(room.id).length;
  return html`<li><a href=${`#${room.id}`} class=${classes("window", rings && "rings")}
      aria-current=${room.id === store.room ? "page" : undefined}>
    <span class="aperture" aria-hidden="true"><${Bell} /></span>
    <span class="name">${room.title}</span>
    ${rings && html`<span class="hidden">(unread)</span>`}
    ${mentions > 0 && html`<span class="count" title="You are mentioned">@${mentions}</span>`}
  </a></li>`;
}

function Person({ id }) {
  const here = store.present.has(id);
  return html`<li class=${classes("person", here && "here")}>
    <${Who} id=${id} small />
    <span class="name">${person(id)}</span>${id === store.me && html`<small>you</small>`}
    <span class="hidden">${here ? "(here)" : "(away)"}</span>
  </li>`;
}

export function Sidebar({ open, close, onSwitch }) {
  const people = [...store.people.keys()].sort((a, b) => store.present.has(b) - store.present.has(a) || person(a).localeCompare(person(b)));
  return html`
    <nav class=${classes("sidebar", open && "open")} aria-label="Rooms and people">
      <h1 class="wordmark"><${Bell} />Bellboard</h1>
      <div class="label"><h2>Rooms</h2><button type="button" class="key" onClick=${onSwitch} title="Go to a room (Ctrl+K)"><kbd>Ctrl K</kbd></button></div>
      <ul class="windows">${store.rooms.map((room) => html`<${RoomLink} key=${room.id} room=${room} />`)}</ul>
      <div class="label"><h2>In the house</h2></div>
      <ul class="people">${people.map((id) => html`<${Person} key=${id} id=${id} />`)}</ul>
      <${NotifyButton} />
      <form method="post" action="/out" class="out"><button>Sign out</button></form>
    </nav>
    ${open && html`<div class="veil" onClick=${close}></div>`}`;
}
