// Marks over the cells of a heat map: what is being trained pulses, what does not fit is hatched.
// They are kept from one update to the next, so that a pulse does not start over.

const GAP = 1; // pixels that a mark stays inside its cell

export class Cells {
  constructor(layer) {
    this.layer = layer;
    this.marks = new Map();
  }

  // Cells are counted from 0 on axes without names; `frame` is Plotly's full layout.
  place(cells, frame) {
    const gone = new Set(this.marks.keys());
    for (const { x, y, kind, words } of cells ?? []) {
      const key = `${x} ${y}`;
      gone.delete(key);
      if (!this.marks.has(key)) this.marks.set(key, this.made());
      const mark = this.marks.get(key);
      const box = { left: start(frame.xaxis, x) + GAP, top: start(frame.yaxis, y) + GAP,
        width: size(frame.xaxis) - 2 * GAP, height: size(frame.yaxis) - 2 * GAP };
      for (const [side, value] of Object.entries(box)) mark.style[side] = `${value}px`;
      if (mark.dataset.kind !== kind) mark.dataset.kind = kind;
      if (mark.textContent !== words) mark.textContent = words;
    }
    for (const key of gone) {
      this.marks.get(key).remove();
      this.marks.delete(key);
    }
  }

  made() {
    const mark = document.createElement("div");
    mark.className = "bkn-cell";
    return this.layer.appendChild(mark);
  }
}

const size = ({ range: [from, to], _length }) => _length / Math.abs(to - from);

// Where a cell begins, from the left or the top, in pixels; Plotly's own scale knows that the
// range of an axis across begins at the left, and that of one upwards at the bottom.
const start = (axis, at) => axis._offset + axis.l2p(at) - size(axis) / 2;
