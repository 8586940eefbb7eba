// What a drawn chart says at a place: the values of its lines nearest to it, or of the mark that lies there.

const LINES = new Set(["line", "trail", "area"]);
const SHAPES = new Set(["rect", "symbol", "arc", "shape"]);

const textual = (value) => (typeof value === "object" ? "" : String(value)).slice(0, 80);

// A mark's own words: [[field, value]], the first that of its place.
const words = ({ tooltip }) => (typeof tooltip === "object" ? Object.entries(tooltip) : [["", tooltip]]).map(([key, value]) => [textual(key), textual(value)]);

// Every mark that carries values, with where its panel lies on the sheet; and whose name has which colour.
function gather(view) {
  const marks = [], names = new Map();
  const walk = (mark, x, y, panel) => {
    if (mark.marktype === "group") {
      for (const item of mark.items) {
        const at = [x + (item.x ?? 0), y + (item.y ?? 0)];
        const here = mark.role === "scope" || !panel ? { x: at[0], y: at[1], width: item.width, height: item.height } : panel;
        for (const inner of item.items ?? []) walk(inner, ...at, here);
      }
    } else if (mark.role === "mark") {
      if (mark.marktype === "text") for (const item of mark.items) names.set(item.fill, textual(item.text));
      else if (LINES.has(mark.marktype) || SHAPES.has(mark.marktype)) marks.push({ mark, x, y, panel });
    }
  };
  const [left, top] = view.origin(), edge = view.padding();
  walk(view.scenegraph().root, left + edge.left, top + edge.top, null);
  return { marks, names };
}

const drawn = (item) => item.defined !== false && Number.isFinite(item.x) && Number.isFinite(item.y);

function nearest({ mark, x }, at) {
  let best = null;
  for (const item of mark.items) {
    if (drawn(item) && (!best || Math.abs(x + item.x - at) < Math.abs(x + best.x - at))) best = item;
  }
  return best;
}

const within = ({ panel }, x, y) => y >= panel.y && y <= panel.y + panel.height && x >= panel.x - 8 && x <= panel.x + panel.width + 8;

// {head, rows: [[colour, name, value]], x, y} at a place on the sheet, in pixels; null where there is nothing to read.
export function readAt(view, x, y) {
  const { marks, names } = gather(view);
  const lines = marks.filter((one) => LINES.has(one.mark.marktype) && within(one, x, y));
  const points = lines.map((one) => ({ ...one, item: nearest(one, x) })).filter(({ item }) => item?.tooltip);
  if (points.length) {
    const near = points.reduce((a, b) => (Math.abs(a.x + a.item.x - x) <= Math.abs(b.x + b.item.x - x) ? a : b));
    const at = near.x + near.item.x;
    const same = points.filter((one) => Math.abs(one.x + one.item.x - at) < 3);
    const rows = same.map(({ item }) => [item.stroke ?? item.fill, names.get(item.stroke) ?? "", words(item)[1]?.[1] ?? ""]);
    return { head: words(near.item)[0][1], rows, x: at, y, rule: near.panel };
  }
  for (const { mark, x: left, y: top } of marks.filter((one) => SHAPES.has(one.mark.marktype)).reverse()) {
    const item = mark.items.find((one) => one.tooltip && one.bounds.contains(x - left, y - top));
    if (item) return { head: "", rows: words(item).map(([key, value]) => [item.fill ?? item.stroke, key, value]), x, y };
  }
  return null;
}

// Where there is something to read, from left to right and top to bottom: for the arrow keys.
export function places(view) {
  const found = new Map();
  for (const { mark, x, y } of gather(view).marks) {
    for (const item of mark.items) {
      if (!item.tooltip || !drawn(item)) continue;
      const line = LINES.has(mark.marktype);
      const at = [x + item.x + (line ? 0 : (item.width ?? 0) / 2), y + (line ? item.y : item.y + (item.height ?? 0) / 2)];
      found.set(line ? Math.round(at[0]) : at.join(), at);
    }
  }
  return [...found.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}
