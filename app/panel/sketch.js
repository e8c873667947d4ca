// A light drawing of a figure's lines and dots over Plotly's own, for as long as they move: Plotly
// lays out everything anew for each frame, and takes too long for that.

const SVG = "http://www.w3.org/2000/svg";

const made = (name, parent) => parent.appendChild(document.createElementNS(SVG, name));

// Dashes as Plotly draws them.
function dashes({ dash, width }) {
  const unit = Math.max(width, 3);
  return { dot: `${unit} ${unit}`, dash: `${3 * unit} ${3 * unit}` }[dash] ?? "";
}

export class Sketch {
  constructor(host) {
    this.host = host;
  }

  // Place it over the plot area, one group of shapes per trace.
  begin(data) {
    this.end();
    this.layer = made("svg", this.host.parentElement);
    this.layer.setAttribute("class", "bkn-sketch");
    const { l, t, w, h } = this.host._fullLayout._size;
    Object.assign(this.layer.style, { left: `${l}px`, top: `${t}px`, width: `${w}px`,
      height: `${h}px` });
    const scale = (axis, size) => {
      const [from, to] = this.host.layout[axis].range;
      return (value) => ((value - from) / (to - from)) * size;
    };
    this.x = scale("xaxis", w);
    const up = scale("yaxis", h);
    this.y = (value) => h - up(value);
    this.shapes = data.map((trace) => {
      const group = made("g", this.layer);
      const fill = trace.mode === "markers" || trace.fill ? made("path", group) : null;
      fill?.setAttribute("fill", trace.fillcolor ?? trace.marker.color);
      const line = trace.mode === "markers" ? null : made("path", group);
      line?.setAttribute("fill", "none");
      line?.setAttribute("stroke", trace.line.color);
      line?.setAttribute("stroke-width", trace.line.width);
      line?.setAttribute("stroke-dasharray", dashes(trace.line));
      return { group, fill, line };
    });
    this.host.classList.add("bkn-moving");
  }

  draw(data) {
    data.forEach((trace, i) => {
      const { group, fill, line } = this.shapes[i];
      const hidden = trace.visible === false || !trace.x.length;
      group.style.display = hidden ? "none" : "";
      if (hidden) return;
      group.setAttribute("opacity", trace.opacity ?? 1);
      const xs = Array.from(trace.x, this.x);
      const ys = Array.from(trace.y, this.y);
      if (!line) {
        fill.setAttribute("d", this.circles(xs, ys, trace.marker.size / 2));
        return;
      }
      const path = xs.map((x, j) => `${j ? "L" : "M"}${x.toFixed(1)},${ys[j].toFixed(1)}`).join("");
      line.setAttribute("d", path);
      const zero = this.y(0).toFixed(1);
      fill?.setAttribute("d", `${path}L${xs.at(-1).toFixed(1)},${zero}L${xs[0].toFixed(1)},${zero}Z`);
    });
  }

  circles(xs, ys, r) {
    const arc = `a${r},${r} 0 1,0`;
    return xs.map((x, j) => `M${(x - r).toFixed(1)},${ys[j].toFixed(1)}${arc}${2 * r},0${arc}${-2 * r},0`)
      .join("");
  }

  end() {
    this.layer?.remove();
    this.layer = null;
    this.host.classList.remove("bkn-moving");
  }
}
