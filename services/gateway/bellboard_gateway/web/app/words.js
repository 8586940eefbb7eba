// Words for states, moments and sizes.

export const STATES = {
  STATE_RECEIVED: ["sent", "waiting"],
  STATE_APPROVED: ["approved", "waiting"],
  STATE_AWAITING_APPROVAL: ["needs approval", "asking"],
  STATE_QUEUED: ["queued", "waiting"],
  STATE_READY: ["ready", "waiting"],
  STATE_CLAIMED: ["taken up", "running"],
  STATE_STARTED: ["running", "running"],
  STATE_STEP: ["running", "running"],
  STATE_SUCCEEDED: ["done", "good"],
  STATE_RESOLVED_SUCCEEDED: ["done", "good"],
  STATE_FAILED: ["failed", "bad"],
  STATE_RESOLVED_FAILED: ["failed", "bad"],
  STATE_DENIED: ["denied", "bad"],
  STATE_REJECTED: ["rejected", "bad"],
  STATE_EXPIRED: ["expired", "off"],
  STATE_CANCELLED: ["cancelled", "off"],
  STATE_TOMBSTONE: ["not accepted", "off"],
  STATE_UNKNOWN: ["unknown", "unknown"],
};

// How the end of a command sounds.
export const FINAL_SOUND = { STATE_SUCCEEDED: "succeeded", STATE_FAILED: "failed", STATE_UNKNOWN: "is unknown", STATE_DENIED: "was denied" };

export const state = (card) => STATES[card.state] ?? ["", "off"];

// How a pipe stands, by its newest stage: between two of them it goes on.
export function pipeState(newest) {
  const goesOn = newest.state === "STATE_SUCCEEDED" && (newest.stage ?? 0) + 1 < (newest.stages ?? 0);
  return goesOn ? ["running", "running"] : state(newest);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export const atClock = (moment) => clock.format(moment);
export const atExact = (moment) => exact.format(moment);
const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
// With its day only where that is not today.
export const atShort = (moment) => (new Date(moment).toDateString() === new Date().toDateString() ? seconds : exact).format(moment);
export function onDay(moment) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(moment).setHours(0, 0, 0, 0)) / 864e5);
  return days === 0 ? "Today" : days === 1 ? "Yesterday" : day.format(moment);
}

export function length(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function size(bytes) {
  const kib = bytes / 1024;
  return kib < 1 ? `${bytes} B` : kib < 1024 ? `${Math.round(kib)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}

export const short = (id) => id.slice(0, 6);

// An id of a line or a file. (crypto.randomUUID is there only for addresses with https, and on this machine.)
export const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

