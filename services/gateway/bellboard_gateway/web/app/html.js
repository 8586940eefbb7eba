// Preact and htm, put together once. Text given to `html` always stays text.
import { h, render, Component } from "../vendor/preact.module.js";
import htm from "../vendor/htm.module.js";

export { useEffect, useLayoutEffect, useRef, useState, useMemo } from "../vendor/hooks.module.js";
export { render, Component };
export const html = htm.bind(h);

export const classes = (...names) => names.filter(Boolean).join(" ");
