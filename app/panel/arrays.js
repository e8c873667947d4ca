// Number arrays travel as base64 ({dtype, bdata}); Plotly reads them itself, the table does not.

const KINDS = { f4: Float32Array, f8: Float64Array, i4: Int32Array, u1: Uint8Array };

export function unpack(packed) {
  if (!packed || packed.bdata === undefined) return packed ?? [];
  const bytes = Uint8Array.from(atob(packed.bdata), (letter) => letter.charCodeAt(0));
  return new KINDS[packed.dtype](bytes.buffer);
}

const shown = (value) =>
  typeof value === "number" ? (Number.isFinite(value) ? String(+value.toPrecision(4)) : "") : value;

// Columns and rows: those the figure gives, else one row per step of its named traces.
export function tabulate(spec) {
  if (spec.table) return spec.table;
  const named = spec.data.filter((trace) => trace.meta?.column);
  const rows = new Map();
  named.forEach((trace, column) => {
    const [x, y] = [unpack(trace.x), unpack(trace.y)];
    for (let i = 0; i < x.length; i += 1) {
      if (!rows.has(x[i])) rows.set(x[i], Array(named.length).fill(""));
      rows.get(x[i])[column] = shown(y[i]);
    }
  });
  return {
    columns: ["step", ...named.map((trace) => trace.meta.column)],
    rows: [...rows.keys()].sort((a, b) => a - b).map((step) => [step, ...rows.get(step)]),
  };
}
