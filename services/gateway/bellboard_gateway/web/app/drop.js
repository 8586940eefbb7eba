// Files dragged over a part of the page. While they are, nothing within it is hit, so it is the one target of the drag: an
// entry that comes or goes under the pointer would be a new target, and a browser drops nothing on what has not agreed yet.
import { useEffect, useState } from "./html.js";

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

function useEvents(find, handlers) {
  useEffect(() => {
    const target = find(), all = Object.entries(handlers);
    for (const [name, does] of all) target.addEventListener(name, does);
    return () => { for (const [name, does] of all) target.removeEventListener(name, does); };
  }, []);
}

// Whether files are over the part of the page around an element; `take` is given those that are dropped there.
export function useDrop(within, take) {
  const [over, setOver] = useState(false);
  const target = () => within.current.closest("main, aside");
  const end = () => setOver(false);
  const agree = (event) => { if (hasFiles(event)) { event.preventDefault(); setOver(true); } };
  useEvents(target, {
    dragenter: agree,
    dragover: agree,
    dragleave(event) { if (!event.currentTarget.contains(event.relatedTarget)) end(); },
    drop(event) { if (hasFiles(event)) { event.preventDefault(); end(); take(event.dataTransfer.files); } },
  });
  useEvents(() => window, { pointermove: end, pointerdown: end, keydown: end });  // none of them comes while something is dragged
  useEffect(() => { target().classList.toggle("dragged-over", over); }, [over]);
  return over;
}

// What is let go beside every target does nothing; a browser would open it in place of the page.
export function refuseDrops() {
  const refuse = (event) => {
    if (event.defaultPrevented || !hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  };
  addEventListener("dragover", refuse);
  addEventListener("drop", refuse);
}
