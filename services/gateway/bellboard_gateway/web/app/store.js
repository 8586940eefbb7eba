// What the page knows, and everything that changes it. Components read `store` and are drawn anew by `changed`.
import { notify } from "./notify.js";
import { Socket } from "./socket.js";
import { FINAL_SOUND, newId } from "./words.js";

const RETRY = 1000, HISTORY = 100;

const saved = (key, otherwise) => {
  try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; }
};
const save = (key, value) => {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private windows may refuse */ }
};

export const store = {
  me: "", people: new Map(), rooms: [], present: new Set(), rehearsing: new Map(), version: "",
  online: false, everOnline: false,
  room: "", focus: "", thread: "",
  feeds: new Map(), outbox: new Map(), answers: [],
  wrong: null, completions: { n: 0, items: [] }, said: "",
  read: saved("read", {}), mentions: new Map(), heeded: saved("heeded", {}), history: saved("history", []),
};

let draw = () => {};
let due = false;
export function onChange(callback) { draw = callback; }
export function changed() {
  if (due) return;
  due = true;
  const go = () => { if (due) { due = false; draw(); } };
  requestAnimationFrame(go);
  if (document.hidden) setTimeout(go, 50);  // no frames come to a page in the background
}

export function feed(room = store.room) {
  if (!store.feeds.has(room)) store.feeds.set(room, { cards: new Map(), lines: new Map(), cursor: null, more: false });
  return store.feeds.get(room);
}

export const isBot = (id) => store.people.size > 0 && !store.people.has(id);
export const person = (id) => store.people.get(id)?.name ?? id;
export const time = (stamp) => (stamp ? Date.parse(stamp) : 0);

// --- rooms ---

export function enter(room, focus = "") {
  const known = store.rooms.find((one) => one.id === room) ?? store.rooms[0];
  if (!known) { store.room = room; store.focus = focus; return; }
  const moved = store.room !== known.id;
  store.room = known.id;
  store.focus = focus;
  if (moved) { store.thread = ""; store.wrong = null; }
  watch();
  if (focus) find(focus);
  seen();
  changed();
}

function watch() {
  socket.send({ t: "watch", room: store.room, cursor: feed().cursor });
}

function find(id) {
  if (!feed().cards.has(id)) socket.send({ t: "find", id });
}

export function earlier() {
  const moments = [...feed().cards.values()].map((card) => time(card.received_at));
  for (const { line } of feed().lines.values()) moments.push(time(line.at));
  socket.send({ t: "earlier", room: store.room, before: moments.length ? Math.min(...moments) : Date.now() });
}

export const unread = (room) => room.id !== store.room && room.at > (store.read[room.id] ?? 0);

// The mentions of the reader that they have not seen yet, in a room or in all of them.
export const unseen = (room) => [...store.mentions.values()].filter((one) => (!room || one.room === room) && one.at > (store.heeded[one.room] ?? 0));

function seen() {
  const room = store.rooms.find((one) => one.id === store.room);
  if (!room || document.hidden) return;
  const last = Math.max(0, ...unseen(room.id).map((one) => one.at));
  if (last) {
    store.heeded = { ...store.heeded, [room.id]: last };
    save("heeded", store.heeded);
  }
  if (store.read[room.id] === room.at) return;
  store.read = { ...store.read, [room.id]: room.at };
  save("read", store.read);
}
document.addEventListener("visibilitychange", () => { seen(); changed(); });

// --- lines ---

// told: called once the line needs no more waiting for, taken or not.
export function say(text, { thread = store.thread, explicit = false, talk = false, uploads = [], told = () => {} } = {}) {
  const said = { id: newId(), room: store.room, thread, text, explicit, talk, uploads };
  store.outbox.set(said.id, { said, told, at: Date.now(), state: "sending", reason: "" });
  store.wrong = null;
  if (!explicit && text && store.history.at(-1) !== text) {
    store.history = [...store.history, text].slice(-HISTORY);
    save("history", store.history);
  }
  offer(said.id);
  changed();
  return said.id;
}

// Offer a line until there is a verdict; the id makes it the same line however often it is offered.
function offer(id) {
  const waiting = store.outbox.get(id);
  if (waiting) socket.send({ t: "say", ...waiting.said });
}

function leave(id) {
  store.outbox.get(id)?.told();
  store.outbox.delete(id);
}

export function drop(id) { leave(id); changed(); }
export function sayAnew(id) {
  const { said } = store.outbox.get(id);
  drop(id);
  say(said.text, said);
}

function verdict({ id, kind, ...rest }) {
  const waiting = store.outbox.get(id);
  if (!waiting) return;
  if (kind === "not_accepted") {
    waiting.state = rest.final ? "refused" : "unconfirmed";
    waiting.reason = rest.reason;
    if (rest.final) waiting.told();
    else setTimeout(() => offer(id), RETRY);
  } else if (kind === "misunderstood") {
    leave(id);
    store.wrong = { ...rest.not_understood, said: waiting.said };
  } else if (kind === "answer") {
    leave(id);
    store.answers = [...store.answers.slice(-20), { id, at: Date.now(), said: waiting.said, blocks: rest.blocks }];
  } else {
    if (rest.blocks) store.answers = [...store.answers.slice(-20), { id: `offer-${id}`, at: Date.now(), said: waiting.said, blocks: rest.blocks }];
    waiting.state = "taken";  // the card or the line itself takes its place
    waiting.command = rest.command_id;
    settle(waiting.said.room);
  }
}

function settle(room) {
  const { cards, lines } = feed(room);
  const messages = new Set([...cards.values()].map((card) => card.message_id));
  for (const [id, { state, command }] of store.outbox) {
    if (state === "taken" && (cards.has(command) || messages.has(id) || lines.has(id))) leave(id);
  }
}

export function dismiss() { store.wrong = null; changed(); }

let asked = 0;
export function complete(line, cursor) {
  socket.send({ t: "complete", n: ++asked, room: store.room, line, cursor });
}
// Offer what the page knows by itself.
export function offerHere(items) {
  store.completions = { n: ++asked, items };
  changed();
}
export function forgetCompletions() {
  asked += 1;
  store.completions = { n: asked, items: [] };
  changed();
}

function tellOf({ id, room, by, text }) {
  const title = `${person(by)} in ${store.rooms.find((one) => one.id === room)?.title ?? room}`;
  notify({ title, body: text, tag: id, open: () => { location.hash = room; } });
}

// --- what the gateway says ---

function put(into, cards, lines) {
  for (const card of cards ?? []) {
    if (card.silent) into.cards.delete(card.command_id);  // there is nothing to show of it
    if (card.silent || card.refresh) continue;  // what brings a card up to date comes on that card
    const known = into.cards.get(card.command_id);
    if (!known || Number(card.sequence) >= Number(known.sequence)) into.cards.set(card.command_id, card);
  }
  for (const { sequence, line } of lines ?? []) into.lines.set(line.id, { sequence, line });
}

// Words for those who hear the page: new talk, and how commands end.
function speak(cards, lines) {
  const words = [
    ...lines.filter(({ line }) => line.person !== store.me).map(({ line }) => `${person(line.person)}: ${line.text ?? "a file"}`),
    ...cards.filter((card) => card.final && !card.silent && FINAL_SOUND[card.state]).map((card) => `${card.line} ${FINAL_SOUND[card.state]}`),
  ];
  if (words.length) store.said = words.slice(-3).join(". ");
}

const take = {
  hello({ me, people, rooms, present, version }) {
    if (store.version && store.version !== version) return location.reload();
    Object.assign(store, { me, version, rooms, online: true, everOnline: true, present: new Set(present) });
    store.people = new Map(people.map((one) => [one.id, one]));
    enter(store.room || rooms[0]?.id, store.focus);
    for (const id of store.outbox.keys()) offer(id);
  },
  batch({ room, cursor, reset, cards, lines, more }) {
    const into = feed(room), first = into.cursor === null;
    if (reset) { into.cards.clear(); into.lines.clear(); into.more = more; }
    const ended = cards.filter((card) => !into.cards.get(card.command_id)?.final);  // not those brought up to date
    put(into, cards, lines);
    into.cursor = cursor;
    if (reset && room === store.room && store.focus) find(store.focus);  // it may have been found before this came
    if (!first) speak(ended, lines);
    settle(room);
  },
  earlier({ room, cards, lines, more }) {
    put(feed(room), cards, lines);
    feed(room).more = more;
  },
  found({ card }) {
    if (!card) return;
    if (card.refresh) return find(card.card_id);
    put(feed(card.room), [card], []);
    if (card.thread && card.room === store.room) store.thread = card.thread;
  },
  rehearses({ room, by }) { store.rehearsing.set(room, by); },
  verdict,
  completions(said) { if (said.n === asked) store.completions = said; },
  present({ people }) { store.present = new Set(people); },
  mentions({ mentions }) {
    for (const { fresh, ...one } of mentions) {
      const news = fresh && !store.mentions.has(one.id) && one.at > (store.heeded[one.room] ?? 0);
      store.mentions.set(one.id, one);
      if (news && (document.hidden || one.room !== store.room)) tellOf(one);
    }
    seen();
  },
  stirs({ rooms }) {
    store.rooms = store.rooms.map((room) => ({ ...room, at: rooms[room.id] ?? room.at }));
    seen();
  },
};

const socket = new Socket({
  message(said) { take[said.t]?.(said); changed(); },
  closed() { store.online = false; changed(); },
});

export function start() { socket.connect(); }
