// Draws a specification with Vega, which is loaded when the first chart is there. Nothing in it runs as script: expressions are
// interpreted, nothing is fetched, and texts are text.
import { inRoom, widened } from "./chart_spec.js";

let engine = null;

async function load() {
  await import("../vendor/vega.min.js");  // these two make themselves known as globals
  await import("../vendor/vega-lite.min.js");
  const { expressionInterpreter } = await import("../vendor/vega-interpreter.js");
  globalThis.vega.expressionFunction("datetime", (...of) => new Date(...of));  // the interpreter's own takes a moment for a year
  return { vega: globalThis.vega, compile: globalThis.vegaLite.compile, expressionInterpreter };
}

const refuse = async () => { throw new Error("charts fetch nothing"); };
const LOADER = { load: refuse, sanitize: refuse, http: refuse, file: refuse };
const SILENT = { level() { return this; }, error() { return this; }, warn() { return this; }, info() { return this; }, debug() { return this; } };

async function viewOf(spec, box) {
  const { vega, compile, expressionInterpreter } = await engine;
  const program = vega.parse(compile(spec, { logger: SILENT }).spec, {}, { ast: true });
  const view = new vega.View(program, { expr: expressionInterpreter, loader: LOADER, logger: SILENT, renderer: "svg", hover: false, tooltip() {} });
  try {
    await view.initialize(box).runAsync();
  } catch (error) {
    view.finalize();
    throw error;
  }
  return view;
}

const widthOf = (box) => Number(box.querySelector("svg").getAttribute("width"));

// Draws on a sheet that lies nowhere yet, no wider than `room` pixels: {view, box, paper}. Rejects where it can't be drawn.
export async function draw(spec, room) {
  engine ??= load();
  engine.catch(() => { engine = null; });  // the next chart tries again
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const style = getComputedStyle(document.documentElement);
  const look = inRoom(spec, dark, (name) => style.getPropertyValue(name).trim());
  let box = document.createElement("div");
  let view = await viewOf(look, box);
  const spare = Math.floor(room - widthOf(box));
  if (spare < 0) {
    view.finalize();
    box = document.createElement("div");
    view = await viewOf(widened(look, spare), box);
  }
  return { view, box, paper: !!spec.background };
}
