// One panel: curves, plateaus, markers of a simulation and the cursor, as SVG.

const SVG = "http://www.w3.org/2000/svg";

function element(parent, tag, attributes = {}, pieces = null) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (pieces) setPieces(made, pieces);
  parent.appendChild(made);
  return made;
}

// Pieces of text as tspans; what is lowered or raised is smaller, and what follows goes back to the line.
function setPieces(text, pieces) {
  const small = 0.72;
  let below = 0; // how far under the line the last piece stood, in the text's own size
  for (const [words, look] of pieces) {
    const part = document.createElementNS(SVG, "tspan");
    const wanted = look === "sub" ? 0.22 : look === "sup" ? -0.38 : 0;
    if (wanted) part.setAttribute("font-size", `${100 * small}%`);
    if (wanted !== below) part.setAttribute("dy", `${(wanted - below) / (wanted ? small : 1)}em`);
    below = wanted;
    if (look === "i") part.setAttribute("class", "i");
    part.textContent = words;
    text.appendChild(part);
  }
}

// Points as the path of a line, broken where there is nothing to draw.
function pathOf(xs, ys, scales) {
  let path = "", drawing = false;
  for (let k = 0; k < xs.length; k++) {
    const fits = Number.isFinite(ys[k]) && (!scales.x.log || xs[k] > 0) && (!scales.y.log || ys[k] > 0);
    if (fits) path += `${drawing ? "L" : "M"}${scales.x.place(xs[k]).toFixed(1)} ${scales.y.place(ys[k]).toFixed(1)}`;
    drawing = fits;
  }
  return path;
}

// A band of one standard error around a mean.
function bandOf(xs, ys, errors, scales) {
  const up = [], down = [];
  for (let k = 0; k < xs.length; k++) {
    const low = ys[k] - errors[k], high = ys[k] + errors[k];
    if (!Number.isFinite(low + high) || (scales.x.log && !(xs[k] > 0)) || (scales.y.log && !(low > 0))) continue;
    const x = scales.x.place(xs[k]).toFixed(1);
    up.push(`${x} ${scales.y.place(high).toFixed(1)}`);
    down.unshift(`${x} ${scales.y.place(low).toFixed(1)}`);
  }
  return up.length > 1 ? `M${up.join("L")}L${down.join("L")}Z` : "";
}

let clips = 0;

// ranges: {time: [low, high], value: [low, high]}; view: {logTime, log}; size: {width, height, em}.
function drawPanel(svg, panel, curves, ranges, view, size) {
  svg.replaceChildren();
  const { width, height, em } = size;
  const box = { left: 4.6 * em, right: width - 0.8 * em, top: 0.9 * em, bottom: height - (panel.last ? 3.1 : 1.0) * em };
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const scales = {
    x: scaleOf(...ranges.time, box.left, box.right, view.logTime, Math.max(3, Math.floor(width / (7 * em)))),
    y: scaleOf(...ranges.value, box.bottom, box.top, view.log, 5),
  };
  const id = `clip${clips++}`;
  const clip = element(element(svg, "defs"), "clipPath", { id });
  const area = { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
  element(clip, "rect", area);
  drawFrame(svg, panel, scales, box, area, em);
  const inside = element(svg, "g", { "clip-path": `url(#${id})` });
  drawPlateaus(inside, panel, curves, scales, box, em);
  for (const curve of curves.lines) {
    if (curve.errors) {
      const band = bandOf(curves.times, curve.values, curve.errors, scales);
      element(inside, "path", { d: band, fill: curve.color, "fill-opacity": 0.2, stroke: "none", class: "band" });
    }
    const look = { fill: "none", stroke: curve.color, "stroke-width": em / 8, "stroke-linejoin": "round", class: "curve" };
    if (curve.dash) look["stroke-dasharray"] = curve.dash;
    element(inside, "path", { d: pathOf(curves.times, curve.values, scales), ...look });
  }
  if (curves.overlay) drawMarkers(inside, curves, scales, em);
  svg.cursor = element(inside, "g", { class: "reading" });
  svg.scales = scales;
}

function drawFrame(svg, panel, scales, box, area, em) {
  const grid = element(svg, "g", { stroke: "#e6e9ed", "stroke-width": 1 });
  const text = element(svg, "g", { "font-size": 0.875 * em, fill: "#1b1f24" });
  for (const tick of scales.x.ticks) {
    const x = scales.x.place(tick.at);
    element(grid, "line", { x1: x, x2: x, y1: box.top, y2: box.bottom });
    if (panel.last) element(text, "text", { x, y: box.bottom + 1.15 * em, "text-anchor": "middle" }, tick.text);
  }
  for (const tick of scales.y.ticks) {
    const y = scales.y.place(tick.at);
    element(grid, "line", { x1: box.left, x2: box.right, y1: y, y2: y });
    element(text, "text", { x: box.left - 0.4 * em, y: y + 0.3 * em, "text-anchor": "end" }, tick.text);
  }
  element(svg, "rect", { ...area, fill: "none", stroke: "#9aa3ad", "stroke-width": 1 });
  const middle = (box.top + box.bottom) / 2;
  const turned = { transform: `translate(${1.1 * em} ${middle}) rotate(-90)`, "text-anchor": "middle", "font-size": em };
  element(svg, "text", turned, panel.axis);
  if (panel.last) {
    const below = { x: (box.left + box.right) / 2, y: box.bottom + 2.6 * em, "text-anchor": "middle", "font-size": em };
    element(svg, "text", below, panel.time);
  }
}

// A level that is not left, beside an attractive fixed point, is where learning ends.
const settles = (plateau) => !plateau.left && plateau.kind === "attractive";

// Each plateau a grey stretch of time with its number.
function drawPlateaus(inside, panel, curves, scales, box, em) {
  curves.plateaus.forEach((each, k) => {
    const from = scales.x.place(Math.max(each.entry, scales.x.low)), to = scales.x.place(each.exit);
    const stretch = { x: from, y: box.top, width: Math.max(to - from, 1), height: box.bottom - box.top };
    element(inside, "rect", { ...stretch, fill: "#000", "fill-opacity": 0.05, class: "plateau" });
    if (!panel.first) return;
    const place = { x: from + 0.4 * em, y: box.top + 1.1 * em, "font-size": 0.8 * em, fill: "#5b6470" };
    element(inside, "text", place, [[`${settles(each) ? "settles" : "plateau"}${curves.plateaus.length > 1 ? ` ${k + 1}` : ""}`, ""]]);
  });
}

// A simulation: its mean as markers with one standard error, about sixteen of them.
function drawMarkers(inside, curves, scales, em) {
  const every = Math.max(1, Math.round(curves.overlay.times.length / 16));
  curves.overlay.lines.forEach((line) => {
    for (let k = every - 1; k < line.values.length; k += every) {
      const [time, value, error] = [curves.overlay.times[k], line.values[k], line.errors[k]];
      if (!Number.isFinite(value) || (scales.y.log && !(value > 0)) || (scales.x.log && !(time > 0))) continue;
      const x = scales.x.place(time);
      if (error > 0 && (!scales.y.log || value > error)) {
        const ends = { x1: x, x2: x, y1: scales.y.place(value - error), y2: scales.y.place(value + error) };
        element(inside, "line", { ...ends, stroke: line.color, "stroke-width": em / 12 });
      }
      const look = { r: em / 4.5, fill: "#fff", stroke: line.color, "stroke-width": em / 12, class: "marker" };
      element(inside, "circle", { cx: x, cy: scales.y.place(value), ...look });
    }
  });
}

// A line at the time that is read off, and a dot on each curve.
function drawCursor(svg, row, curves, em) {
  const { x, y } = svg.scales, time = curves.times[row];
  svg.cursor.replaceChildren();
  if (x.log && !(time > 0)) return;
  const at = x.place(time);
  const ends = { x1: at, x2: at, y1: y.place(y.low), y2: y.place(y.high) };
  element(svg.cursor, "line", { ...ends, stroke: "#5b6470", "stroke-width": 1, "stroke-dasharray": "4 3" });
  for (const curve of curves.lines) {
    const value = curve.values[row];
    if (!Number.isFinite(value) || (y.log && !(value > 0))) continue;
    element(svg.cursor, "circle", { cx: at, cy: y.place(value), r: em / 5, fill: curve.color });
  }
}
