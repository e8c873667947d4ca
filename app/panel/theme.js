// Colours. A figure names its colours by tokens ("@text", "@e0", "@e0/0.2" with an opacity); here
// they become real ones, from Streamlit's theme and from the figure's own [light, dark] pairs.

function channels(color) {
  const hex = color.trim().match(/^#([0-9a-f]{3,8})$/i);
  if (!hex) return (color.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
  const wide = hex[1].length < 6 ? [...hex[1]].map((digit) => digit + digit).join("") : hex[1];
  return [0, 2, 4].map((at) => parseInt(wide.slice(at, at + 2), 16));
}

// A colour as it is on paper with this share of it left.
export function faded(color, share) {
  const opacity = color.startsWith("rgba") ? Number(color.match(/[\d.]+/g)[3]) : 1;
  return `rgba(${channels(color).join(",")},${opacity * share})`;
}

const mix = (from, to, share) => {
  const [a, b] = [channels(from), channels(to)];
  return `rgb(${a.map((value, i) => Math.round(value + (b[i] - value) * share)).join(",")})`;
};

export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const page = read("background-color", "#ffffff");
  const text = read("text-color", "#1f2328");
  const [r, g, b] = channels(page);
  const dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
  return {
    dark,
    font: read("font", "sans-serif"),
    tokens: {
      page,
      text,
      card: dark ? mix(page, text, 0.04) : page,
      muted: mix(page, text, dark ? 0.68 : 0.66),
      grid: mix(page, text, dark ? 0.15 : 0.1),
      line: mix(page, text, 0.42),
      clear: "rgba(0,0,0,0)",
    },
  };
}

export function painter(theme, pairs) {
  const color = (token) => {
    const [name, opacity] = token.slice(1).split("/");
    const solid = pairs?.[name]?.[theme.dark ? 1 : 0] ?? theme.tokens[name];
    if (solid === undefined) throw new Error(`unknown colour token ${token}`);
    return opacity === undefined ? solid : `rgba(${channels(solid).join(",")},${opacity})`;
  };
  const paint = (value) => {
    if (typeof value === "string") {
      if (value[0] === "@") return color(value);
      // Words of Plotly may hold a token inside their markup: <span style='color:@e0'>
      return value.length < 400 ? value.replace(/@[a-z]+\d*(\/[\d.]+)?/g, color) : value;
    }
    if (Array.isArray(value)) return value.map(paint);
    if (value && typeof value === "object" && !("bdata" in value)) {
      return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, paint(part)]));
    }
    return value;
  };
  return paint;
}
