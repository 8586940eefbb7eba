// The room: its head, what happened in it, and the composer.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { Composer } from "./composer.js";
import { Entries } from "./entries.js";
import { earlier, feed, person, store } from "./store.js";

const NEAR = 80;

// Keep to the end while the reader is there, and leave the view alone while they are not.
function useStickToEnd(scroller, focus) {
  const [away, setAway] = useState(false);
  const sticks = useRef(true);
  useLayoutEffect(() => {
    const box = scroller.current;
    const toEnd = () => { if (sticks.current) box.scrollTop = box.scrollHeight; };
    let last = 0;
    const scrolled = () => {  // what was loaded meanwhile takes nobody away from the end, only scrolling up does
      if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) sticks.current = true;
      else if (box.scrollTop < last) sticks.current = false;
      last = box.scrollTop;
      setAway(!sticks.current);
    };
    const watcher = new ResizeObserver(toEnd);
    watcher.observe(box);
    watcher.observe(box.firstElementChild);
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => { watcher.disconnect(); box.removeEventListener("scroll", scrolled); };
  }, []);
  useEffect(() => {
    const target = focus && scroller.current.querySelector(`[data-command^="${CSS.escape(focus)}"]`);
    if (target) { sticks.current = false; target.scrollIntoView({ block: "center" }); }
  });
  const toEnd = () => { sticks.current = true; scroller.current.scrollTop = scroller.current.scrollHeight; };
  return [away, toEnd];
}

function Empty() {
  return html`<div class="empty"><h3>Nobody has rung yet</h3>
    <p>Type <kbd>help</kbd> to see what can be done here, or just say hello.</p></div>`;
}

export function Timeline({ thread }) {
  const scroller = useRef(null);
  const reached = useRef("");
  const here = feed();
  const loaded = !!here.cursor;
  const focus = reached.current === store.focus || !loaded ? "" : store.focus;
  const [away, toEnd] = useStickToEnd(scroller, focus);
  const known = !store.focus || [...here.cards.keys()].some((id) => id.startsWith(store.focus));  // an old one comes later
  useEffect(() => { if (loaded && known) reached.current = store.focus; });
  const typed = [...store.outbox.values()].filter(({ said }) => !said.explicit && said.thread === thread).at(-1)?.said.id;
  useLayoutEffect(() => { if (typed) toEnd(); }, [typed]);
  const empty = loaded && !here.cards.size && !here.lines.size && !store.outbox.size;
  return html`<div class="timeline" ref=${scroller} tabindex="0" role="log" aria-live="off" aria-label="What happened here">
    <div class="entries">
      ${!thread && loaded && here.more && !empty && html`<button type="button" class="earlier" onClick=${earlier}>Earlier</button>`}
      ${empty && html`<${Empty} />`}
      <${Entries} thread=${thread} />
    </div>
    ${away && html`<button type="button" class="to-end" onClick=${toEnd}>Latest ↓</button>`}
  </div>`;
}

export function Room({ openDrawer }) {
  const room = store.rooms.find((one) => one.id === store.room);
  const here = [...store.present].length;
  const by = store.rehearsing.get(store.room);
  const lost = store.everOnline && !store.online;
  return html`<main class="room">
    <header class="room-head">
      <button type="button" class="drawer" onClick=${openDrawer} aria-label="Rooms">☰</button>
      <h2>${room?.title ?? ""}</h2>
      ${by && html`<span class="rehearsing" role="status" title=${`What is run here is run against the sandbox; ${person(by)} said so. For real again: rehearse off`}>rehearsing: runs against the sandbox</span>`}
      ${here > 0 && html`<span class="presence">${here} here</span>`}
    </header>
    ${lost && html`<div class="banner" role="status">The line is dead. Trying again… What you type now is sent when it is back.</div>`}
    <${Timeline} thread="" />
    <${Composer} thread="" />
  </main>`;
}
