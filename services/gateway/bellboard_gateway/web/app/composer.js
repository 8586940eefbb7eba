// Where lines are typed: completion, history, uploads, and what is wrong with the last line.
import { useDrop } from "./drop.js";
import { html, classes, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { peopleAt } from "./mention.js";
import { complete, dismiss, forgetCompletions, offerHere, say, store } from "./store.js";
import { newId, size } from "./words.js";

const MOST_FILES = 4;

// The line with a caret under what is wrong, why, and the nearest right form.
function Wrong({ wrong, take }) {
  const line = [...(wrong.line ?? "")], from = wrong.caret ?? 0, count = Math.max(1, wrong.length ?? 1);  // characters, not UTF-16
  const part = (start, end) => line.slice(start, end).join("");
  const { suggestion, corrected } = wrong;
  return html`<div class="wrong" role="alert">
    <pre class="pointed"><code>${part(0, from)}<mark>${part(from, from + count) || " "}</mark>${part(from + count)}${"\n"}${" ".repeat(from)}${"^".repeat(Math.min(count, 40))}</code></pre>
    <p><b>${wrong.reason}</b></p>
    <div class="ways">
      ${corrected ? html`<button type="button" class="suggestion" onClick=${() => take(corrected)}>Did you mean <code>${corrected}</code>?</button>` : suggestion && html`<span>${suggestion}</span>`}
      <button type="button" onClick=${() => say(wrong.said.text, { ...wrong.said, talk: true })}>Say it anyway</button>
      <button type="button" onClick=${dismiss} aria-label="Dismiss">✕</button>
    </div>
  </div>`;
}

function Offers({ items, at, pick }) {
  return html`<ul class="offers" id="offers" role="listbox">${items.map((item, n) => html`<li key=${item.text} id=${`offer-${n}`} role="option"
      aria-selected=${n === at} onMouseDown=${(event) => { event.preventDefault(); pick(item); }}
      ref=${n === at ? (row) => row?.scrollIntoView({ block: "nearest" }) : undefined}>
    <code>${item.text}</code><span>${item.help}</span></li>`)}</ul>`;
}

async function send(file) {
  const answer = await fetch(`/upload?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  const said = await answer.json().catch(() => ({ text: "it could not be uploaded" }));
  if (!answer.ok) throw new Error([said.text, said.hint].filter(Boolean).join("; "));
  return said;
}

function Files({ files, remove }) {
  if (!files.length) return null;
  return html`<ul class="files">${files.map((one) => html`<li key=${one.key} class=${classes(one.error && "failed")}>
    ${one.preview ? html`<img src=${one.preview} alt="" />` : html`<span aria-hidden="true">▤</span>`}
    <span>${one.name}<small>${one.error || (one.ref ? size(one.size) : "uploading…")}</small></span>
    <button type="button" onClick=${() => remove(one)} aria-label=${`Remove ${one.name}`}>✕</button>
  </li>`)}</ul>`;
}

function useFiles() {
  const [files, setFiles] = useState([]);
  const add = (list) => {
    for (const file of [...list].slice(0, MOST_FILES)) {
      const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : "";
      const one = { key: newId(), name: file.name, size: file.size, preview };
      const put = (more) => setFiles((all) => all.map((other) => (other.key === one.key ? { ...other, ...more } : other)));
      setFiles((all) => [...all, one].slice(-MOST_FILES));
      send(file).then((ref) => put({ ref }), (error) => put({ error: error.message }));
    }
  };
  const remove = (one) => { URL.revokeObjectURL(one.preview); setFiles((all) => all.filter((other) => other.key !== one.key)); };
  return [files, add, remove, () => files.forEach(remove)];
}

export function Composer({ thread }) {
  const box = useRef(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(-1);
  const [back, setBack] = useState(0);
  const [files, addFiles, removeFile, clearFiles] = useFiles();
  const mine = document.activeElement === box.current;
  const items = mine ? store.completions.items : [];
  const wrong = store.wrong && (store.wrong.said.thread ?? "") === thread ? store.wrong : null;

  const change = (value) => { setText(value); setAt(-1); };
  const put = (value, cursor = value.length) => {
    change(value);
    requestAnimationFrame(() => { box.current.focus(); box.current.setSelectionRange(cursor, cursor); });
  };
  useLayoutEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(box.current.scrollHeight, 200)}px`;
  }, [text]);
  useEffect(() => { if (thread || matchMedia("(hover: hover)").matches) box.current.focus(); }, []);
  useEffect(() => { if (wrong && !text) put(wrong.said.text, wrong.said.text.length); }, [wrong]);
  const over = useDrop(box, (dropped) => { addFiles(dropped); box.current.focus(); });

  const ask = () => {
    const { value, selectionStart } = box.current;
    const people = peopleAt(value, selectionStart);
    if (people) offerHere(people);
    else if (value && !value.includes("\n")) complete(value, selectionStart);
    else forgetCompletions();
  };
  const pick = (item) => {
    const cursor = box.current.selectionStart;
    const start = item.start ?? 0;
    const before = `${text.slice(0, start)}${item.text} `;
    put(before + text.slice(cursor).trimStart(), before.length);
    complete(before, before.length);
  };
  const submit = () => {
    const uploads = files.map((one) => one.ref).filter(Boolean);
    if (files.some((one) => !one.ref && !one.error)) return;
    if (!text.trim() && !uploads.length) return;
    say(text, { thread, uploads });
    change("");
    setBack(0);
    clearFiles();
    forgetCompletions();
  };
  const recall = (by) => {
    const to = back + by;
    if (to < 0 || to > store.history.length) return;
    setBack(to);
    put(to ? store.history[store.history.length - to] : "");
    forgetCompletions();
  };
  const key = (event) => {
    const open = items.length > 0;
    const single = !text.includes("\n");
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); if (open && at >= 0) pick(items[at]); else submit(); }
    else if (event.key === "Tab" && open && !event.shiftKey) { event.preventDefault(); pick(items[Math.max(at, 0)]); }
    else if (event.key === "Escape" && (open || wrong)) { event.preventDefault(); forgetCompletions(); setAt(-1); dismiss(); }
    else if (event.key === "ArrowDown" && open && back === 0) { event.preventDefault(); setAt((at + 1) % items.length); }
    else if (event.key === "ArrowUp" && open && at >= 0) { event.preventDefault(); setAt(at - 1); }
    else if (event.key === "ArrowUp" && single && !event.altKey && (!text || back > 0)) { event.preventDefault(); recall(1); }
    else if (event.key === "ArrowDown" && single && back > 0) { event.preventDefault(); recall(-1); }
  };
  const paste = (event) => { if (event.clipboardData?.files.length) { event.preventDefault(); addFiles(event.clipboardData.files); } };
  const room = store.rooms.find((one) => one.id === store.room);

  return html`<form class=${classes("composer", over && "over")} id=${thread ? undefined : "composer"} onSubmit=${(event) => { event.preventDefault(); submit(); }}>
    ${wrong && html`<${Wrong} wrong=${wrong} take=${put} />`}
    ${items.length > 0 && html`<${Offers} items=${items} at=${at} pick=${pick} />`}
    <${Files} files=${files} remove=${removeFile} />
    <div class="bar">
      <label class="attach" title="Attach a file"><input type="file" multiple class="hidden" aria-label="Attach a file"
        onChange=${(event) => { addFiles(event.target.files); event.target.value = ""; }} /><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5v14M5 12h14"/></svg></label>
      <textarea ref=${box} rows="1" value=${text} spellcheck="false" autocapitalize="off" autocomplete="off"
        placeholder=${thread ? "Reply in this thread" : `Ring for something in ${room?.title ?? "this room"}`}
        aria-label=${thread ? "Reply in this thread" : "A line or a command"} aria-autocomplete="list" aria-controls="offers"
        aria-activedescendant=${at >= 0 && items.length ? `offer-${at}` : undefined}
        onInput=${(event) => { change(event.target.value); setBack(0); ask(); }} onKeyDown=${key} onPaste=${paste}
        onBlur=${forgetCompletions}></textarea>
      <button class="send" aria-label="Send" disabled=${!text.trim() && !files.length}><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 19V6M6 11.5 12 5.500l6 6"/></svg></button>
    </div>
    ${over && html`<div class="drop-here" aria-hidden="true">Drop it here</div>`}
  </form>`;
}
