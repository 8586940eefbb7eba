// A chart: drawn here from its specification; its picture, or its words, where that can't be done.
import { html, classes, useEffect, useRef, useState } from "./html.js";
import { draw } from "./chart_draw.js";
import { places, readAt } from "./chart_reading.js";
import { readSpec } from "./chart_spec.js";

// Draws whatever was asked for last, one at a time: a card that is edited often costs no more than the page can do.
class Easel {
  constructor(box, told) { Object.assign(this, { box, told, view: null, next: null, busy: false, gone: false }); }

  async paint(spec) {
    this.next = spec;
    if (this.busy) return;
    this.busy = true;
    while (this.next && !this.gone) {
      const now = this.next;
      this.next = null;
      try { this.put(await draw(now, this.box.clientWidth)); } catch { this.told(null); }
    }
    this.busy = false;
  }

  put({ view, box, paper }) {
    if (this.gone) return view.finalize();
    this.box.replaceChildren(box);  // at once, so that nothing flickers
    this.view?.finalize();
    this.view = view;
    this.told({ paper });
  }

  close() { this.gone = true; this.view?.finalize(); }
}

function Reading({ said, wide }) {
  const sheet = useRef(null);
  useEffect(() => {  // by the script, since a style in the page's text is refused
    const { style } = sheet.current;
    const right = said.x > wide / 2;
    style.left = right ? "auto" : `${said.x + 12}px`;
    style.right = right ? `${wide - said.x + 12}px` : "auto";
    style.top = `${Math.max(0, said.y - 20)}px`;
  });
  return html`<div class="reading" ref=${sheet}>
    ${said.head && html`<b>${said.head}</b>`}
    ${said.rows.map(([colour, name, value], at) => html`<div key=${at}><i ref=${(dot) => { if (dot) dot.style.background = colour; }}></i><span>${name}</span> ${value}</div>`)}
  </div>`;
}

function Rule({ said }) {
  const line = useRef(null);
  useEffect(() => {
    Object.assign(line.current.style, { left: `${said.x}px`, top: `${said.rule.y}px`, height: `${said.rule.height}px` });
  });
  return html`<div class="at" ref=${line}></div>`;
}

const inWords = (said) => (said ? [said.head, ...said.rows.map(([, name, value]) => `${name} ${value}`)].filter(Boolean).join(", ") : "");

export function Chart({ spec: text, alt, fallback }) {
  const sheet = useRef(null), easel = useRef(null), place = useRef(-1);
  const [drawn, setDrawn] = useState(null);
  const [said, setSaid] = useState(null);
  const spec = readSpec(text);

  useEffect(() => {
    if (!spec) return undefined;
    easel.current = new Easel(sheet.current, (how) => { setDrawn(how); setSaid(null); });
    return () => { easel.current.close(); easel.current = null; };
  }, [!spec]);

  useEffect(() => {
    if (!spec) return undefined;
    const again = () => easel.current?.paint(spec);
    again();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const box = sheet.current;
    let width = box.clientWidth;
    const sized = new ResizeObserver(() => {
      if (!box.isConnected || Math.abs(box.clientWidth - width) < 8) return;
      width = box.clientWidth;
      again();
    });
    sized.observe(box);
    scheme.addEventListener("change", again);
    return () => { sized.disconnect(); scheme.removeEventListener("change", again); };
  }, [text]);

  const show = (x, y) => { if (easel.current?.view) setSaid(readAt(easel.current.view, x, y)); };
  const point = (event) => {
    const svg = sheet.current.querySelector("svg");
    if (!svg) return;
    const box = svg.getBoundingClientRect();
    const size = box.width / Number(svg.getAttribute("width"));
    place.current = -1;
    show((event.clientX - box.left) / size, (event.clientY - box.top) / size);
  };
  const leave = (event) => { if (event.pointerType === "mouse") setSaid(null); };  // a finger that lifts has only begun to read
  const step = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape" && said) { event.preventDefault(); setSaid(null); }
    if (!by || event.altKey || !easel.current?.view) return;
    event.preventDefault();
    const all = places(easel.current.view);
    place.current = place.current < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, place.current + by));
    if (all.length) show(...all[place.current]);
  };

  return html`
    ${spec && html`<div class=${classes("drawn", drawn ? drawn.paper && "paper" : "not-yet")}>
      <div class="sheet" ref=${sheet} role="img" aria-label=${alt || "A chart"} tabindex=${drawn ? 0 : undefined}
        onPointerMove=${point} onPointerDown=${point} onPointerLeave=${leave} onKeyDown=${step} onBlur=${() => setSaid(null)}></div>
      ${said?.rule && html`<${Rule} said=${said} />`}
      ${said && html`<${Reading} said=${said} wide=${sheet.current.clientWidth} />`}
      <div class="hidden" role="status">${inWords(said)}</div>
    </div>`}
    ${!(spec && drawn) && fallback}`;
}
