// A card: one command, edited in place as it goes on, with what it started shown on it.
import { html, classes, useState } from "./html.js";
import { Blocks } from "./blocks.js";
import { isBot, person, say, store, time } from "./store.js";
import { Stamp, Who } from "./who.js";
import { length, pipeState, short, state } from "./words.js";

const run = (line, told) => say(line, { explicit: true, told });

function Chip({ state: [word, kind] }) {
  if (!word) return null;
  return html`<span class=${classes("chip", kind)}><i aria-hidden="true"></i>${word}</span>`;
}

function Rehearsal({ card }) {
  return card.rehearsal ? html`<span class="rehearsal" title="It runs against the sandbox">rehearsal</span>` : null;
}

const WHY = { CAUSE_TIMER: "at its time", CAUSE_WEBHOOK: "called from outside" };

function ByItself({ card }) {
  if (card.cause === "CAUSE_TRIGGER") return html`<span class="bot" title="A helper stepped in; quiet ends that">helper</span>`;
  return isBot(card.principal) ? html`<span class="bot" title=${`A bot, ${WHY[card.cause] ?? "by itself"}`}>bot</span>` : null;
}

const STEP_WORDS = { STEP_STATE_DONE: "done", STEP_STATE_STARTED: "begun" };

function Steps({ steps }) {
  if (!steps?.length) return null;
  return html`<ol class="steps">${steps.map((step) => {
    const word = STEP_WORDS[step.state] ?? "ahead";
    return html`<li class=${word} aria-current=${word === "begun" ? "step" : undefined}>${step.name}<span class="hidden"> (${word})</span></li>`;
  })}</ol>`;
}

// What can be done about a card: the label, the line it runs, and how it is meant.
function deeds(card) {
  const id = card.command_id.slice(0, 8);
  const asking = card.state === "STATE_AWAITING_APPROVAL" && card.principal !== store.me;  // nobody approves their own
  if (asking) return [["Approve", `approve ${id}`, "good"], ["Reject", `reject ${id}`, "bad"]];
  if (card.state === "STATE_UNKNOWN") return [["It happened", `resolve ${id} succeeded`, "good"], ["It did not happen", `resolve ${id} failed`, "bad"]];
  if (card.cancellable) return [["Cancel", `cancel ${id}`, ""]];
  return [];
}

function Deeds({ card }) {
  const [said, setSaid] = useState("");
  const all = deeds(card);
  if (!all.length) return null;
  const press = ({ detail }, line) => { if (detail < 2) setSaid(run(line)); };  // at a second click something else may stand there
  const waiting = (store.outbox.get(said)?.state ?? "refused") !== "refused";  // a second press would be a second line
  return html`<div class="deeds">${all.map(([label, line, kind]) => html`<button key=${label} type="button"
    class=${classes("deed", kind)} title=${line} disabled=${!store.online || waiting} onClick=${(event) => press(event, line)}>${label}</button>`)}</div>`;
}

function Reason({ card }) {
  const told = card.blocks?.some((block) => block.failure?.text === card.reason);
  if (!card.reason || told) return null;
  return html`<p class=${classes("reason", state(card)[1])}>${card.reason}</p>`;
}

function Body({ card }) {
  return html`
    <${Reason} card=${card} />
    <${Steps} steps=${card.steps} />
    <${Blocks} blocks=${card.blocks} run=${run} />
    <${Deeds} card=${card} />`;
}

// The stages of a pipe that there are, the root among them.
const stagesOf = (card, children) => [card, ...children.filter((child) => child.stages)].sort((a, b) => (a.stage ?? 0) - (b.stage ?? 0));

// A stage that handed on what it has: named, and folded.
function Done({ card, root }) {
  return html`<details class="stage" data-command=${card.command_id}>
    <summary>Stage ${(card.stage ?? 0) + 1}${card !== root && html` <code>${card.line}</code>`} <${Chip} state=${state(card)} /></summary>
    <${Body} card=${card} />
  </details>`;
}

function Pipe({ root, stages }) {
  const newest = stages.at(-1);
  return html`${stages.slice(0, -1).map((stage) => html`<${Done} key=${stage.command_id} card=${stage} root=${root} />`)}
    <div class="stage newest" data-command=${newest.command_id}><${Body} card=${newest} /></div>`;
}

function Child({ card }) {
  return html`<div class="child" data-command=${card.command_id}>
    <div class="child-head"><code class="line">${card.line}</code><${Rehearsal} card=${card} /><${Chip} state=${state(card)} /></div>
    <${Body} card=${card} />
  </div>`;
}

// How a card stands: a bot's own, which nobody waits for, as what it says is meant. What burns is not "done".
const TONES = { TONE_BAD: ["", "bad"], TONE_WARNING: ["", "asking"] };
function standing(card) {
  const meant = card.state === "STATE_SUCCEEDED" && isBot(card.principal) && card.blocks?.find((block) => block.text)?.text.tone;
  return TONES[meant] ?? pipeState(card);
}

function Trace({ id, url }) {
  if (!id) return null;
  const told = { class: "trace", title: `trace ${id}` };
  const word = `trace ${id.slice(0, 8)}`;
  return url ? html`<a ...${told} href=${url} target="_blank" rel="noopener noreferrer">${word}</a>` : html`<span ...${told}>${word}</span>`;
}

export function Card({ card, children = [], replies, openThread }) {
  const stages = card.stages ? stagesOf(card, children) : [card];
  const newest = stages.at(-1);
  const stands = standing(newest);
  const took = newest.final ? time(newest.at) - time(card.received_at) : 0;
  return html`<article id=${`card-${card.command_id}`} data-command=${card.command_id} data-state=${newest.state}
      class=${classes("entry", "card", stands[1], card.rehearsal && "rehearsed", store.focus && card.command_id.startsWith(store.focus) && "focus")}
      aria-label=${`${card.line}, ${card.rehearsal ? "rehearsal, " : ""}${stands[0]}`}>
    <${Who} id=${card.principal} />
    <div class="content">
      <header><b>${person(card.principal)}</b><${ByItself} card=${card} /><${Stamp} at=${time(card.received_at)} href=${`#${card.room}/${card.command_id}`} /></header>
      <div class="board">
        <div class="head"><code class="line">${card.line}</code><${Rehearsal} card=${card} /><${Chip} state=${stands} /></div>
        ${stages.length > 1 ? html`<${Pipe} root=${card} stages=${stages} />` : html`<${Body} card=${card} />`}
        ${children.filter((child) => !stages.includes(child)).map((child) => html`<${Child} key=${child.command_id} card=${child} />`)}
        <footer>
          <a href=${`#${card.room}/${card.command_id}`} title="Link to this card">${short(card.command_id)}</a>
          <span>${card.bot}</span>
          ${took > 0 && html`<span title="From the line to its end">${length(took)}</span>`}
          <${Trace} id=${card.trace_id} url=${card.trace_url} />
          ${openThread && html`<button type="button" class="reply" onClick=${openThread}>${replies || "Reply in thread"}</button>`}
        </footer>
      </div>
    </div>
  </article>`;
}
