// Go to a room by typing a few letters of it (Ctrl+K).
import { html, classes, useEffect, useRef, useState } from "./html.js";
import { store, unread } from "./store.js";

export function Switcher({ close }) {
  const dialog = useRef(null);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  useEffect(() => { dialog.current.showModal(); }, []);
  const rooms = store.rooms.filter((room) => `${room.id} ${room.title}`.toLowerCase().includes(typed.toLowerCase()));
  const go = (room) => { if (room) location.hash = room.id; close(); };
  const key = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((at + (event.key === "ArrowDown" ? 1 : -1) + rooms.length) % Math.max(1, rooms.length));
    } else if (event.key === "Enter") { event.preventDefault(); go(rooms[at]); }
  };
  return html`<dialog class="switcher" ref=${dialog} onClose=${close} aria-label="Go to a room"
      onClick=${(event) => event.target === dialog.current && close()}>
    <input placeholder="Go to a room" value=${typed} onInput=${(event) => { setTyped(event.target.value); setAt(0); }} onKeyDown=${key} autofocus
      role="combobox" aria-expanded="true" aria-controls="switcher-rooms" aria-activedescendant=${rooms[at] && `switch-${rooms[at].id}`} />
    <ul id="switcher-rooms" role="listbox">${rooms.map((room, n) => html`<li key=${room.id} id=${`switch-${room.id}`} role="option"
      aria-selected=${n === at} class=${classes(unread(room) && "rings")} onClick=${() => go(room)}>${room.title}</li>`)}
      ${!rooms.length && html`<li class="none">No such room</li>`}</ul>
  </dialog>`;
}
