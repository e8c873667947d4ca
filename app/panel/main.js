// Entry of the live figure: loads the style and Plotly once, keeps one Panel per mounted figure.

import { Panel } from "./panel.js";

const panels = new WeakMap();
let library = null;

function load(kind, attributes) {
  return new Promise((done, failed) => {
    const made = Object.assign(document.createElement(kind), attributes);
    made.onload = done;
    made.onerror = () => failed(new Error(`cannot load ${attributes.src ?? attributes.href}`));
    document.head.append(made);
  });
}

function ready(plotly) {
  library ??= Promise.all([
    load("link", { rel: "stylesheet", href: new URL("style.css", import.meta.url).href }),
    window.Plotly ? null : load("script", { src: plotly }),
  ]).then(() => window.Plotly);
  return library;
}

export async function show({ data, parentElement, setTriggerValue }, plotly) {
  const root = parentElement.querySelector(".bkn-root");
  root.style.height = `${data.height}px`; // the page does not jump while Plotly loads
  root.bknLatest = data; // only the newest of several updates is drawn once Plotly is there
  const library = await ready(plotly);
  if (root.bknLatest === data && root.isConnected) {
    if (!panels.has(root)) panels.set(root, new Panel(root, library));
    const pick = data.pickable ? (chosen) => setTriggerValue("pick", chosen) : null;
    const tell = data.tells ? (stage) => setTriggerValue("stage", stage) : null;
    await panels.get(root).update(data, pick, tell);
  }
  return () => {
    if (!root.isConnected) panels.get(root)?.remove();
  };
}
