// The blocks of a reply. Everything in them is text; links go to http and https alone.
import { html, classes, useState } from "./html.js";
import { Chart } from "./chart.js";
import { Mentioned } from "./mention.js";
import { atExact, atShort, length, size } from "./words.js";

export function blobUrl(ref) {
  const about = new URLSearchParams({ type: ref.media_type ?? "", size: ref.size ?? "0" });
  return `/blob/${encodeURIComponent(ref.owner)}/${encodeURIComponent(ref.sha256)}?${about}`;
}

const tone = (value) => (value ?? "").replace("TONE_", "").toLowerCase();

function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch { return null; }
}

export function Picture({ blob, alt, width, height, kind }) {
  const [broken, setBroken] = useState(false);
  if (!blob || broken) return html`<p class="missing">${alt || "A picture"} (it can’t be shown)</p>`;
  const url = blobUrl(blob);
  return html`<a class=${classes("picture", kind)} href=${url} target="_blank" rel="noopener" aria-label=${`Open: ${alt || "picture"}`}>
    <img src=${url} alt=${alt ?? ""} width=${width || undefined} height=${height || undefined} onError=${() => setBroken(true)} />
  </a>`;
}

// A chart without a picture has its words.
function Charted({ spec, alt, picture }) {
  const otherwise = picture ? html`<${Picture} blob=${picture} alt=${alt} kind="chart" />` : html`<p class="missing">${alt}</p>`;
  return html`<${Chart} spec=${spec} alt=${alt} fallback=${otherwise} />`;
}

export function Upload({ blob }) {
  if ((blob.media_type ?? "").startsWith("image/")) return html`<${Picture} blob=${blob} alt=${blob.name || "An uploaded picture"} />`;
  return html`<a class="file" href=${blobUrl(blob)} download=${blob.name || "file"}>
    <span aria-hidden="true">▤</span> ${blob.name || "file"} <small>${size(Number(blob.size))}</small>
  </a>`;
}

function cell(value, column) {
  if (!value) return "";
  if ("number" in value) return typeof value.number === "number" ? value.number.toLocaleString() : value.number;
  if ("time" in value) return html`<time datetime=${value.time} title=${atExact(Date.parse(value.time))}>${atShort(Date.parse(value.time))}</time>`;
  if ("duration" in value) return length(parseFloat(value.duration) * 1000);
  return value.text ?? "";
}

const ALIGNED_RIGHT = new Set(["COLUMN_TYPE_NUMBER", "COLUMN_TYPE_DURATION"]);

function Table({ title, columns = [], rows = [] }) {
  const align = columns.map((column) => (ALIGNED_RIGHT.has(column.type) ? "number" : ""));
  return html`<div class="table" tabindex="0" role="region" aria-label=${title || "Table"}>
    <table>
      ${title && html`<caption>${title}</caption>`}
      <thead><tr>${columns.map((column, at) => html`<th scope="col" class=${align[at]}>
        ${column.name}${column.unit && html` <small>${column.unit}</small>`}
      </th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr>${columns.map((column, at) =>
        html`<td class=${align[at]}>${cell(row.cells?.[at], column)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}

function Code({ text = "", language }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return html`<figure class="code">
    ${language && html`<figcaption>${language}</figcaption>`}
    <pre tabindex="0"><code>${text}</code></pre>
    <button type="button" class="copy" onClick=${copy}>${copied ? "copied" : "copy"}</button>
  </figure>`;
}

function Link({ url = "", title }) {
  if (url.startsWith("#")) return html`<p><a href=${url}>${title || url}</a></p>`;  // a card of this house
  const safe = safeUrl(url);
  if (!safe) return html`<p>${title || ""} ${url}</p>`;
  return html`<p><a href=${safe} target="_blank" rel="noopener noreferrer">${title || safe}</a> <small class="host">${new URL(safe).host}</small></p>`;
}

function Progress({ text, done }) {
  const known = typeof done === "number";
  const percent = known ? Math.round(Math.min(1, Math.max(0, done)) * 100) : undefined;
  return html`<div class="progress">
    <span class="progress-text">${text}</span>${known && html`<span class="percent">${percent} %</span>`}
    <progress max="100" value=${percent} aria-label=${text || "Progress"}></progress>
  </div>`;
}

// It can be answered again when the line before is under way: a card may be about what goes on when the command is over.
function Question({ text, choices = [], run }) {
  const [chosen, choose] = useState("");
  const pick = (choice) => { choose(choice.line); run(choice.line, () => choose("")); };
  return html`<div class="question">
    <p>${text}</p>
    <div class="choices">${choices.map((choice) => html`<button type="button" key=${choice.line}
      class=${classes("choice", tone(choice.tone), chosen === choice.line && "chosen")}
      disabled=${!!chosen || !run} title=${choice.line} onClick=${() => pick(choice)}>${choice.label || choice.line}</button>`)}</div>
  </div>`;
}

function Failure({ text, hint, trace_id: trace }) {
  return html`<div class="failure" role="note">
    <p class="cause">${text}</p>
    ${hint && html`<p class="hint">${hint}</p>`}
    ${trace && html`<p class="trace">trace <code>${trace}</code></p>`}
  </div>`;
}

function Block({ block, run }) {
  if (block.text) return html`<p class=${classes("text", tone(block.text.tone))}><${Mentioned} ...${block.text} /></p>`;
  if (block.table) return html`<${Table} ...${block.table} />`;
  if (block.code) return html`<${Code} ...${block.code} />`;
  if (block.image) return html`<${Picture} ...${block.image} />`;
  if (block.chart) return html`<${Charted} ...${block.chart} />`;
  if (block.link) return html`<${Link} ...${block.link} />`;
  if (block.progress) return html`<${Progress} ...${block.progress} />`;
  if (block.question) return html`<${Question} ...${block.question} run=${run} />`;
  if (block.failure) return html`<${Failure} ...${block.failure} />`;
  return null;
}

// run: called with the line of a choice, and what to call once it is taken or not; without it, choices can't be pressed.
export function Blocks({ blocks = [], run }) {
  return blocks.map((block, at) => html`<${Block} key=${at} block=${block} run=${run} />`);
}
