// A figure that tells a story: its traces carry keyframes (meta.keys), and what lies between two
// of them is mixed here, frame by frame, without asking the server. Time runs one unit a stage.

import { unpack } from "./arrays.js";
import { Sketch } from "./sketch.js";
import { faded } from "./theme.js";

const ICONS = { back: "M6 5v10M15 5l-7 5 7 5z", play: "M6 4l10 6-10 6z", pause: "M6 4v12M13 4v12",
  forward: "M14 5v10M5 5l7 5-7 5z", replay: "M5 10a5 5 0 1 0 2-4M7 2v4h4" };
const LONGEST = 0.1; // seconds that one frame may move the story, however slow the machine is
const CONTROLS = ["back", "play", "forward", "replay"];
const WORDS = { back: "Step back", play: "Play", pause: "Pause", forward: "Step forward",
  replay: "Replay" };

const icon = (name) => `<svg width="18" height="18" viewBox="0 0 20 20" aria-hidden="true">
  <path d="${ICONS[name]}"/></svg>`;
const eased = (share) => share * share * (3 - 2 * share);

// One list of [time, value] per field of a trace; one that never changes has a single entry.
function tracks(trace) {
  const found = { x: [], y: [], opacity: [] };
  for (const key of trace.meta?.keys ?? []) {
    for (const field of ["x", "y"]) if (key[field]) found[field].push([key.t, unpack(key[field])]);
    if (key.opacity !== undefined) found.opacity.push([key.t, key.opacity]);
  }
  for (const field of ["x", "y"]) {
    if (!found[field].length) found[field].push([0, unpack(trace[field])]);
  }
  return found;
}

function between(track, time) {
  const next = track.findIndex(([at]) => at > time);
  if (next < 0) return track.at(-1)[1];
  if (next === 0) return track[0][1];
  const [[from, a], [to, b]] = [track[next - 1], track[next]];
  const share = eased((time - from) / (to - from));
  if (typeof a === "number") return a + (b - a) * share;
  return a.map((value, i) => value + (b[i] - value) * share);
}

export class Player {
  constructor(panel, controls, beat) {
    this.panel = panel;
    this.controls = controls;
    this.beat = beat;
    this.time = null;
    this.sketch = new Sketch(panel.host);
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  }

  // A new story: stays where the old one was, so that a slider does not restart it.
  take(spec, tell) {
    this.tell = tell;
    this.story = spec.story;
    this.tracks = spec.data.map(tracks);
    const state = JSON.stringify(this.story.stages.map(({ id, name }) => [id, name]));
    if (state !== this.built) {
      this.built = state;
      this.build();
    }
    const first = this.story.stages.findIndex(({ id }) => id === this.story.at);
    this.time ??= first + 1 || this.story.stages.length;
    if (this.sketch.layer) this.sketch.begin(this.panel.traces());
    this.show();
  }

  build() {
    this.controls.innerHTML = `<span class="bkn-keys">${CONTROLS.map((name) => `<button
      type="button" data-do="${name}" aria-label="${WORDS[name]}" title="${WORDS[name]}"
      >${icon(name)}</button>`).join("")}</span><span class="bkn-stages"></span><input type="range"
      min="0" max="${this.story.stages.length}" step="0.01" aria-label="Position in the story">`;
    this.slider = this.controls.querySelector("input");
    this.slider.oninput = () => { this.playing = null; this.move(Number(this.slider.value)); };
    this.slider.onchange = () => this.rest();
    const stages = this.story.stages.map(({ id, name }, i) => {
      const made = Object.assign(document.createElement("button"), { type: "button",
        textContent: `${i + 1} ${name}`, onclick: () => this.run(i, i + 1) });
      made.dataset.stage = id;
      return made;
    });
    this.controls.querySelector(".bkn-stages").replaceChildren(...stages);
    const last = () => this.story.stages.length;
    const acts = {
      back: () => { this.time = Math.max(0, Math.ceil(this.time) - 1); this.rest(); },
      play: () => (this.playing ? this.rest() : this.run(this.time >= last() ? 0 : this.time, last())),
      forward: () => this.run(Math.min(this.time, last()), Math.min(Math.floor(this.time) + 1, last())),
      replay: () => this.run(0, last()),
    };
    for (const name of CONTROLS) {
      this.controls.querySelector(`[data-do=${name}]`).onclick = acts[name];
    }
  }

  get stage() {
    return Math.min(Math.max(Math.ceil(this.time) - 1, 0), this.story.stages.length - 1);
  }

  // Traces as they stand now.
  place(data) {
    data.forEach((trace, i) => {
      for (const [field, track] of Object.entries(this.tracks[i])) {
        if (track.length) trace[field] = between(track, this.time);
      }
      if (trace.opacity < 0.01) trace.visible = false;
    });
    return data;
  }

  // The same for Plotly, which gives no opacity to a line with a fill.
  still(data) {
    for (const trace of this.place(data)) {
      if (!trace.fill || trace.opacity === undefined) continue;
      trace.line.color = faded(trace.line.color, trace.opacity);
      trace.fillcolor = faded(trace.fillcolor, trace.opacity);
    }
    return data;
  }

  show() {
    const { stages } = this.story;
    const now = stages[this.stage];
    const within = this.time - this.stage;
    const beat = now.beats.findLast(({ t }) => t <= within) ?? now.beats[0];
    if (this.beat.textContent !== beat.words) this.beat.textContent = beat.words;
    this.slider.value = this.time;
    this.slider.setAttribute("aria-valuetext", now.name);
    const play = this.controls.querySelector("[data-do=play]");
    const shown = this.playing ? "pause" : "play";
    if (play.dataset.shown !== shown) {
      play.dataset.shown = shown;
      play.innerHTML = icon(shown);
      play.setAttribute("aria-label", WORDS[shown]);
      play.title = WORDS[shown];
    }
    for (const button of this.controls.querySelectorAll("[data-stage]")) {
      if (button.dataset.stage === now.id) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    this.controls.querySelector("[data-do=back]").disabled = this.time <= 0;
    this.controls.querySelector("[data-do=forward]").disabled = this.time >= stages.length;
    document.body.dataset.bknStage = now.id; // the page marks the step's equations
  }

  // Draw one moment of the motion.
  move(time) {
    this.time = time;
    if (!this.sketch.layer) this.sketch.begin(this.panel.traces());
    this.sketch.draw(this.place(this.panel.traces()));
    this.show();
  }

  async run(from, to) {
    const mine = (this.playing = Symbol("a run"));
    this.move(from);
    let before = performance.now();
    while (this.playing === mine && this.time < to) {
      const stage = Math.min(Math.floor(this.time), this.story.stages.length - 1);
      const { seconds } = this.story.stages[stage];
      if (this.calm.matches) { // nothing moves: the end of every stage, held for its time
        this.move(Math.min(stage + 1, to));
        if (this.time < to) await new Promise((done) => setTimeout(done, 1000 * seconds));
        continue;
      }
      const now = await new Promise(requestAnimationFrame);
      if (this.playing !== mine) return;
      const passed = Math.min(Math.max((now - before) / 1000, 0), LONGEST);
      before = now;
      this.move(Math.min(this.time + passed / seconds, stage + 1, to));
    }
    if (this.playing === mine) this.rest();
  }

  // The story stands still: Plotly draws it, and the link may say where.
  async rest() {
    this.playing = null;
    this.show();
    await this.panel.draw();
    if (this.playing) return;
    this.sketch.end();
    this.tell?.(this.story.stages[this.stage].id);
  }

  remove() {
    this.playing = null;
    this.sketch.end();
    delete document.body.dataset.bknStage;
  }
}
