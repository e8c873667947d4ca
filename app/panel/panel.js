// One live figure: title, meaning, legend, plot, table. It is built once and then only updated, so
// that zoom, legend choice, focus and scroll position survive every refresh.

import { tabulate } from "./arrays.js";
import { Cells } from "./cells.js";
import { Player } from "./player.js";
import { painter, readTheme } from "./theme.js";

const memory = new Map(); // per figure and race: what a visitor chose; survives a change of page
const DASHES = { solid: "", dot: "1.5 3", dash: "6 3", longdash: "9 3", dashdot: "6 3 1.5 3",
  longdashdot: "9 3 1.5 3" };
const CONFIG = { displayModeBar: false, doubleClick: false, responsive: false, showTips: false };
const FRAME = `
  <header><h3></h3><span class="bkn-tools">
    <button type="button" class="bkn-whole" hidden>whole picture</button>
    <button type="button" class="bkn-swap" aria-pressed="false">table</button></span></header>
  <p class="bkn-meaning"></p>
  <div class="bkn-legend" role="group"></div>
  <p class="bkn-beat" role="status" hidden></p>
  <div class="bkn-body"><div class="bkn-host" role="img"></div><p class="bkn-empty" role="status"></p>
    <div class="bkn-table" tabindex="0" hidden></div>
    <div class="bkn-cells" aria-hidden="true"></div></div>
  <div class="bkn-player" role="group" aria-label="Slow motion" hidden></div>
  <p class="bkn-note"></p>`;

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

function swatch(color, dash) {
  const line = `<line x1="1" y1="5" x2="21" y2="5" stroke="${color}" stroke-width="2.5"
    stroke-dasharray="${DASHES[dash] ?? ""}"/>`;
  const holder = element("span", { "aria-hidden": "true", class: "bkn-swatch" });
  holder.innerHTML = `<svg width="22" height="10">${line}</svg>`;
  return holder;
}

export class Panel {
  constructor(root, plotly) {
    this.plotly = plotly;
    this.root = root;
    root.innerHTML = `<section class="bkn-panel">${FRAME}</section>`;
    for (const name of ["whole", "swap", "meaning", "legend", "body", "host", "empty", "table",
      "note", "beat", "player", "cells"]) {
      this[name] = root.querySelector(`.bkn-${name}`);
    }
    this.panel = root.firstElementChild;
    this.title = root.querySelector("h3");
    this.overlay = new Cells(this.cells);
    this.swap.onclick = () => this.showTable(this.table.hidden);
    this.whole.onclick = () => this.unzoom();
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(this.body);
    this.onShow = () => document.hidden || !this.given || this.draw();
    document.addEventListener("visibilitychange", this.onShow);
  }

  async update(given, pick, tell) {
    this.given = given;
    this.pick = pick;
    const { spec } = given;
    const place = `${given.key} ${spec.layout?.uirevision ?? ""}`;
    if (!memory.has(place)) memory.set(place, { hidden: new Set(), zoom: {}, resets: 0 });
    this.chosen = memory.get(place);
    this.theme = readTheme(this.root);
    this.paint = painter(this.theme, spec.tokens);
    this.words();
    this.legends();
    this.tells(tell);
    await this.draw();
    if (!this.table.hidden) this.fillTable();
  }

  words() {
    const { key, spec, title, meaning, height } = this.given;
    this.root.style.height = `${height}px`;
    this.host.style.minWidth = spec.least ? `${spec.least}px` : ""; // a narrower screen scrolls it
    this.body.style.overflowX = spec.least ? "auto" : "";
    for (const name of ["card", "muted", "grid"]) {
      this.panel.style.setProperty(`--bkn-${name}`, this.theme.tokens[name]);
    }
    this.title.textContent = title;
    this.title.id = `${key}-title`;
    this.panel.setAttribute("aria-labelledby", this.title.id);
    this.meaning.textContent = meaning;
    this.meaning.hidden = !meaning;
    this.host.setAttribute("aria-label", `${title} ${spec.label ?? ""}`.trim());
    this.empty.textContent = spec.empty ?? "";
    this.note.innerHTML = this.paint(spec.note ?? "");
    this.note.hidden = !spec.note;
    this.panel.classList.toggle("bkn-is-empty", Boolean(spec.empty));
    this.panel.classList.toggle("bkn-pickable", Boolean(this.pick && spec.hint));
    this.swap.hidden = Boolean(spec.empty);
  }

  tells(tell) {
    const { spec } = this.given;
    this.player.hidden = this.beat.hidden = !spec.story;
    if (!spec.story) return;
    this.motion ??= new Player(this, this.player, this.beat);
    this.motion.take(spec, tell);
  }

  legends() {
    const { spec } = this.given;
    const { hidden } = this.chosen;
    const state = JSON.stringify([spec.legend, spec.scale, spec.hint, [...hidden], this.theme,
      Boolean(this.pick)]);
    if (state === this.legendState) return; // a focused chip keeps its focus
    this.legendState = state;
    const focused = document.activeElement?.dataset?.chip;
    const chips = (spec.legend ?? []).map((chip) => {
      const made = element("button", { type: "button", class: "bkn-chip", "data-chip": chip.id,
        "aria-pressed": String(!hidden.has(chip.id)), title: "click to hide or show" });
      made.append(swatch(this.paint(chip.color), chip.dash), chip.label);
      made.style.color = this.paint(chip.text ?? "@text");
      made.onclick = () => this.toggle(chip.id);
      return made;
    });
    this.legend.replaceChildren(...chips);
    if (spec.scale?.stops) this.legend.append(this.scale(spec.scale));
    if (spec.hint && this.pick) {
      this.legend.append(element("span", { class: "bkn-hint" }, spec.hint));
    }
    this.legend.hidden = !this.legend.childElementCount;
    this.legend.setAttribute("aria-label", "Legend");
    if (focused) this.legend.querySelector(`[data-chip="${focused}"]`)?.focus();
  }

  scale({ stops, ends }) {
    const colors = stops.map(([at, token]) => `${this.paint(token)} ${at * 100}%`);
    const bar = element("span", { class: "bkn-bar", "aria-hidden": "true" });
    bar.style.background = `linear-gradient(to right, ${colors.join(", ")})`;
    return element("span", { class: "bkn-scale" }, ends[0], bar, ends[1]);
  }

  toggle(chip) {
    const { hidden } = this.chosen;
    if (!hidden.delete(chip)) hidden.add(chip);
    this.legends();
    this.draw();
  }

  // The figure's traces in this theme's colours, without those that are switched off.
  traces() {
    const { hidden } = this.chosen;
    const data = this.paint(this.given.spec.data ?? []);
    for (const trace of data) {
      if (trace.meta?.chips?.some((chip) => hidden.has(chip))) trace.visible = false;
    }
    return data;
  }

  async draw() {
    const { spec } = this.given;
    if (!this.host.isConnected || !this.host.clientWidth) return; // drawn when it gets its size
    if (document.hidden && this.listening) return; // nobody looks; drawn when the tab comes back
    const { zoom } = this.chosen;
    const data = this.traces();
    if (spec.story) this.motion.still(data);
    const layout = this.paint(spec.layout ?? {});
    layout.font = { family: this.theme.font, size: 12, color: this.theme.tokens.text,
      ...layout.font };
    // Plotly keeps a zoom while this stays the same, so taking one back must change it.
    layout.uirevision = `${layout.uirevision ?? ""} ${this.chosen.resets}`;
    if (layout.hoverlabel) layout.hoverlabel.font.family = this.theme.font;
    for (const [axis, range] of Object.entries(zoom)) {
      if (layout[axis]) Object.assign(layout[axis], { range: [...range], autorange: false });
    }
    this.size = [this.host.clientWidth, this.host.clientHeight];
    [layout.width, layout.height] = this.size;
    this.drawing = true;
    await this.plotly.react(this.host, data, layout, CONFIG);
    this.drawing = false;
    this.overlay.place(spec.cells, this.host._fullLayout);
    if (!this.listening) this.listen();
    this.whole.hidden = !Object.keys(zoom).length;
  }

  listen() {
    this.listening = true;
    this.host.on("plotly_relayout", (change) => this.noteZoom(change));
    this.host.on("plotly_doubleclick", () => this.unzoom());
    this.host.on("plotly_click", ({ points: [point] }) => {
      const { picks, entrant } = point.data.meta ?? {};
      const [at, across] = [point.pointIndex].flat(); // a heat map's are two
      const row = picks?.length > 1 || Array.isArray(picks?.[0]) ? at : 0; // a whole line may stand for one thing
      const picked = Array.isArray(picks?.[row]) ? picks[row][across] : picks?.[row];
      if (picked) this.send({ layer: picked, entrant });
    });
    this.host.on("plotly_clickannotation", ({ annotation }) => {
      const [layer, entrant] = annotation.name?.split("|") ?? [];
      if (layer) this.send({ layer, entrant: Number(entrant) });
    });
  }

  send(chosen) {
    if (this.pick) this.pick(chosen);
  }

  noteZoom(change) {
    if (this.drawing) return;
    const { zoom } = this.chosen;
    for (const [name, value] of Object.entries(change)) {
      const [axis, what] = name.split(/\.|\[/);
      if (!/^[xy]axis\d*$/.test(axis)) continue;
      if (what === "autorange" && value) delete zoom[axis];
      else if (what === "range") zoom[axis] = [...this.host.layout[axis].range];
    }
    this.whole.hidden = !Object.keys(zoom).length;
  }

  unzoom() {
    this.chosen.zoom = {};
    this.chosen.resets += 1;
    this.draw();
  }

  fit() {
    const { clientWidth, clientHeight } = this.host;
    if (!this.given || (this.size?.[0] === clientWidth && this.size?.[1] === clientHeight)) return;
    this.draw();
  }

  showTable(on) {
    this.table.hidden = !on;
    this.host.style.visibility = on ? "hidden" : "";
    this.swap.setAttribute("aria-pressed", String(on));
    this.swap.textContent = on ? "picture" : "table";
    if (on) this.fillTable();
  }

  fillTable() {
    const { spec, title } = this.given;
    const { columns, rows, picks } = tabulate(spec);
    const head = element("tr", {}, ...columns.map((one) => element("th", { scope: "col" }, one)));
    const body = rows.map(([first, ...rest], row) => {
      const label = element("th", { scope: "row" }, String(first));
      if (picks?.[row] && this.pick) {
        const button = element("button", { type: "button" }, String(first));
        button.onclick = () => this.send({ layer: picks[row] });
        label.replaceChildren(button);
      }
      return element("tr", {}, label, ...rest.map((one) => element("td", {}, String(one))));
    });
    const made = element("table", {}, element("caption", {}, spec.caption ?? title), element("thead", {}, head),
      element("tbody", {}, ...body));
    if (this.table.firstChild?.isEqualNode?.(made)) return;
    this.table.replaceChildren(made);
  }

  remove() {
    this.watcher.disconnect();
    this.motion?.remove();
    document.removeEventListener("visibilitychange", this.onShow);
    this.plotly.purge(this.host);
  }
}
