// The page: the board of rooms on the left, the room, and a thread beside it.
import { refuseDrops } from "./drop.js";
import { html, render, useEffect, useState } from "./html.js";
import { enter, onChange, start, store, unread, unseen } from "./store.js";
import { Sidebar } from "./sidebar.js";
import { Room } from "./room.js";
import { Thread } from "./thread.js";
import { Switcher } from "./switcher.js";

function fromAddress() {
  let address = location.hash.slice(1);
  try { address = decodeURIComponent(address); } catch { /* cut off somewhere: it leads to no room */ }
  const [room, focus = ""] = address.split("/");
  enter(room, focus);
}

function move(by) {
  const at = store.rooms.findIndex((room) => room.id === store.room);
  const to = store.rooms[(at + by + store.rooms.length) % store.rooms.length];
  if (to) location.hash = to.id;
}

function App() {
  const [drawer, setDrawer] = useState(false);
  const [switching, setSwitching] = useState(false);
  const [, redraw] = useState(0);

  useEffect(() => {
    onChange(() => redraw((n) => n + 1));
    const moved = () => { fromAddress(); setDrawer(false); };
    const typed = (event) => {
      const typing = event.target.closest?.("input, textarea, dialog");
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); setSwitching(true); }
      else if (event.altKey && event.key === "ArrowDown") { event.preventDefault(); move(1); }
      else if (event.altKey && event.key === "ArrowUp") { event.preventDefault(); move(-1); }
      else if (event.key === "/" && !typing) { event.preventDefault(); document.querySelector(".composer textarea")?.focus(); }
      else if (event.key === "Escape" && !event.defaultPrevented) {
        if (drawer) setDrawer(false);
        else if (store.thread && !typing?.value) { store.thread = ""; redraw((n) => n + 1); }
      }
    };
    addEventListener("hashchange", moved);
    addEventListener("keydown", typed);
    return () => { removeEventListener("hashchange", moved); removeEventListener("keydown", typed); };
  }, [drawer]);

  const rooms = store.rooms.filter(unread).length;
  const title = store.rooms.find((room) => room.id === store.room)?.title ?? "";
  const mentions = unseen().length;
  const count = mentions ? `(@${mentions}) ` : rooms ? `(${rooms}) ` : "";
  useEffect(() => { document.title = `${count}${title ? `${title} · ` : ""}Bellboard`; }, [count, title]);

  return html`<div class=${`house${store.thread ? " with-thread" : ""}`}>
    <a class="skip" href="#composer" onClick=${(event) => { event.preventDefault(); document.querySelector(".composer textarea")?.focus(); }}>Skip to the composer</a>
    <${Sidebar} open=${drawer} close=${() => setDrawer(false)} onSwitch=${() => setSwitching(true)} />
    <${Room} openDrawer=${() => setDrawer(true)} key=${store.room} />
    ${store.thread && html`<${Thread} id=${store.thread} key=${store.thread} />`}
    ${switching && html`<${Switcher} close=${() => setSwitching(false)} />`}
    <div class="hidden" aria-live="polite">${store.said}</div>
  </div>`;
}

fromAddress();
refuseDrops();
render(html`<${App} />`, document.getElementById("app"));
start();
