// A chart's Vega-Lite specification: what of it is drawn, and how it looks in this room.

const LONGEST = 500_000;  // characters of a specification
const NARROWEST = 150;    // pixels of a panel

// What fetches, leads away, or computes. Rows of data may have fields of these names.
const NEVER = new Set(["url", "href", "expr", "signal", "signals", "params", "labelExpr", "calculate", "sequence", "graticule", "usermeta", "events"]);
const COMPUTES = new Set(["filter", "test", "values"]);  // fine as objects and lists; as strings they are programs, or texts to parse

function harmless(part, within = "") {
  if (typeof part !== "object" || part === null) return !(COMPUTES.has(within) && typeof part === "string");
  if (within === "datasets" || (within === "values" && Array.isArray(part))) return true;
  if (Array.isArray(part)) return part.every((one) => harmless(one, within));
  return Object.entries(part).every(([key, value]) => !NEVER.has(key) && harmless(value, key));
}

// The specification of a text; null where it is none that is drawn here.
export function readSpec(text) {
  if (!text || text.length > LONGEST) return null;
  try {
    const spec = JSON.parse(text);
    return spec && typeof spec === "object" && !Array.isArray(spec) && harmless(spec) ? spec : null;
  } catch { return null; }
}

// The colours of Okabe and Ito: those that are dark enough for a pale ground, and those that are bright enough for a dark one.
const PALE = ["#0072b2", "#d55e00", "#00805c", "#b04c88", "#000000"];
const DARK = ["#56b4e9", "#e69f00", "#2fbf97", "#e09ac3", "#f0e442"];

const over = (below = {}, above = {}) => ({ ...below, ...above });

// The room's look, below whatever the specification says itself.
export function inRoom(spec, dark, colour) {
  const own = spec.config ?? {};
  const ink = colour("--ink"), quiet = colour("--soft"), rule = colour("--rule");
  const guide = { labelColor: quiet, titleColor: quiet, gridColor: rule, domainColor: quiet, tickColor: quiet, labelFontSize: 11 };
  return {
    background: "transparent", ...spec,
    config: {
      font: colour("--sans"), ...own, aria: false,
      mark: over({ tooltip: { content: "encoding" } }, own.mark),
      tooltipFormat: over({ numberFormat: ",.4~g", timeFormat: "%d %b %H:%M:%S" }, own.tooltipFormat),
      axis: over(guide, own.axis), legend: over({ labelColor: ink, titleColor: quiet }, own.legend),
      title: over({ color: ink, subtitleColor: quiet, anchor: "start", fontSize: 14 }, own.title),
      text: over({ color: ink }, own.text), rule: over({ color: quiet }, own.rule),
      view: over({ stroke: null }, own.view), range: over({ category: dark ? DARK : PALE }, own.range),
    },
  };
}

const PANELS = ["vconcat", "hconcat", "concat", "layer"];

// The specification with its panels so many pixels wider, or narrower.
export function widened(spec, by) {
  const copy = { ...spec };
  if (typeof copy.width === "number") copy.width = Math.max(NARROWEST, copy.width + by);
  for (const key of PANELS) if (Array.isArray(copy[key])) copy[key] = copy[key].map((one) => widened(one, by));
  return copy;
}
