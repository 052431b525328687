// Drawing of sweeps on a canvas: pure functions, which know neither the component nor the server.
// `scope.py` puts this text in front of `scope.js`.

const MISSING = -32768; // the code of a sample that is not a number, as in traces.py

// Sweeps arrive as base64 of little-endian 16-bit numbers.
function decode({ offset, scale, data }) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const codes = new Int16Array(bytes.buffer);
  let low = Infinity;
  let high = -Infinity;
  for (const code of codes) {
    if (code === MISSING) continue;
    if (code < low) low = code;
    if (code > high) high = code;
  }
  return { codes, offset, scale, low: offset + scale * low, high: offset + scale * high };
}

function valueAt(signal, index) {
  const code = signal.codes[index];
  return code === MISSING ? NaN : signal.offset + signal.scale * code;
}

// The range of some signals with a margin; never empty.
function rangeOf(signals) {
  const low = Math.min(...signals.map((signal) => signal.low));
  const high = Math.max(...signals.map((signal) => signal.high));
  if (!Number.isFinite(low)) return { low: -1, high: 1 };
  const margin = high > low ? 0.06 * (high - low) : Math.max(1, 0.1 * Math.abs(high));
  return { low: low - margin, high: high + margin };
}

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.8 * rough);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) values.push(k * step);
  return values.map((value) => ({ value, text: number(value, decimals) }));
}

// A number with a true minus sign.
function number(value, decimals) {
  const text = value.toFixed(decimals).replace(/^-(?=0(\.0*)?$)/, ""); // no minus zero
  return text.replace("-", "\u2212");
}

// The colors of `count` sweeps along the stops of a color map, "#rrggbb, #rrggbb, ...".
function sweepColors(map, count) {
  const stops = map.split(",").map((stop) => {
    const packed = parseInt(stop.trim().slice(1), 16);
    return [packed >> 16, (packed >> 8) & 255, packed & 255];
  });
  return Array.from({ length: count }, (_, k) => {
    const place = (count > 1 ? k / (count - 1) : 0.4) * (stops.length - 1);
    const left = Math.min(Math.floor(place), stops.length - 2);
    const mix = stops[left].map((c, i) => Math.round(c + (stops[left + 1][i] - c) * (place - left)));
    return `rgb(${mix.join(",")})`;
  });
}

// The line of one signal through a panel: every sample, or the extremes of each pixel column, in their order.
function linePath(signal, axis, panel, pixel) {
  const { codes } = signal;
  const path = new Path2D();
  const first = Math.max(0, Math.floor((axis.from - axis.start) / axis.step));
  const last = Math.min(codes.length - 1, Math.ceil((axis.to - axis.start) / axis.step));
  const x = (index) => xOf(panel, axis, axis.start + index * axis.step);
  const gain = (-panel.height * signal.scale) / (panel.high - panel.low);
  const y0 = yOf(panel, signal.offset);
  let down = false;
  const point = (index) => {
    if (down) path.lineTo(x(index), y0 + gain * codes[index]);
    else path.moveTo(x(index), y0 + gain * codes[index]);
    down = true;
  };
  const perColumn = (last - first) / Math.max(1, panel.width / pixel);
  for (let begin = first; begin <= last;) {
    const end = perColumn <= 3 ? begin + 1 : Math.min(last + 1, Math.ceil(begin + perColumn));
    let low = -1;
    let high = -1;
    for (let index = begin; index < end; index++) {
      if (codes[index] === MISSING) continue;
      if (low < 0 || codes[index] < codes[low]) low = index;
      if (high < 0 || codes[index] > codes[high]) high = index;
    }
    if (low < 0) down = false;
    else {
      point(Math.min(low, high));
      if (low !== high) point(Math.max(low, high));
    }
    begin = end;
  }
  return path;
}

// How far (in pixels) a line is from a point: within a few columns, the gap to the band that it covers there.
function distance(signal, axis, panel, x, y) {
  const first = Math.max(0, Math.floor(indexAt(panel, axis, x - 3)));
  const last = Math.min(signal.codes.length - 1, Math.ceil(indexAt(panel, axis, x + 3)));
  let low = Infinity;
  let high = -Infinity;
  for (let k = first; k <= last; k++) {
    const code = signal.codes[k];
    if (code === MISSING) continue;
    if (code < low) low = code;
    if (code > high) high = code;
  }
  if (low > high) return Infinity;
  const top = yOf(panel, signal.offset + signal.scale * high);
  const bottom = yOf(panel, signal.offset + signal.scale * low);
  return Math.max(0, top - y, y - bottom);
}

function xOf(panel, axis, time) {
  return panel.left + ((time - axis.from) / (axis.to - axis.from)) * panel.width;
}

// The sample at a pixel, as a fraction and not yet within the sweep.
function indexAt(panel, axis, x) {
  const time = axis.from + ((x - panel.left) / panel.width) * (axis.to - axis.from);
  return (time - axis.start) / axis.step;
}

function yOf(panel, value) {
  return panel.top + ((panel.high - value) / (panel.high - panel.low)) * panel.height;
}

// Grid, numbers and units of one panel; the lowest panel carries the time axis.
function drawAxes(context, panel, axis, look, lowest) {
  context.save();
  context.font = look.font;
  context.strokeStyle = look.grid;
  context.lineWidth = 1;
  context.fillStyle = look.axis;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.beginPath();
  for (const { value, text } of ticks(panel.low, panel.high, Math.min(8, panel.height / 35))) {
    const y = Math.round(yOf(panel, value)) + 0.5;
    context.moveTo(panel.left, y);
    context.lineTo(panel.left + panel.width, y);
    context.fillText(text, panel.left - 8, y);
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { value, text } of ticks(axis.from, axis.to, panel.width / 85)) {
    const x = Math.round(xOf(panel, axis, value)) + 0.5;
    context.moveTo(x, panel.top);
    context.lineTo(x, panel.top + panel.height);
    if (lowest) context.fillText(text, x, panel.top + panel.height + 7);
  }
  context.stroke();
  context.strokeStyle = look.axis;
  context.globalAlpha = 0.45;
  context.strokeRect(panel.left + 0.5, Math.round(panel.top) + 0.5, panel.width, panel.height);
  context.globalAlpha = 1;
  if (lowest) context.fillText(axis.label ?? "time (ms)", panel.left + panel.width / 2, panel.top + panel.height + 24);
  context.translate(15, panel.top + panel.height / 2);
  context.rotate(-Math.PI / 2);
  context.textBaseline = "middle";
  context.fillText(panel.label, 0, 0);
  context.restore();
}
