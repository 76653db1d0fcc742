// The page: sliders choose a member, its curves and numbers are shown.

const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const count = data.panels.reduce((sum, panel) => sum + panel.curves.length, 0);

function numbersOf(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const store = { values: numbersOf(data.values), errors: data.errors ? numbersOf(data.errors) : null };
const times = data.time.times;
const overlay = data.overlay && {
  times: data.overlay.times,
  values: numbersOf(data.overlay.values),
  errors: numbersOf(data.overlay.errors),
};
// A page begins in the middle of its sliders, and with the first word of a menu.
const middleOf = (slider) => (slider.words ? 0 : Math.floor((slider.texts.length - 1) / 2));
const state = { at: data.sliders.map(middleOf), row: times.length - 1, log: false, logTime: false, fit: false };
state.log = data.panels.some((panel) => panel.log);

function html(pieces) {
  const made = document.createDocumentFragment();
  for (const [words, look] of pieces) {
    const part = look ? document.createElement(look) : document.createTextNode(words);
    if (look) part.textContent = words;
    made.appendChild(part);
  }
  return made;
}

function make(parent, tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  for (const child of children) made.append(Array.isArray(child) ? html(child) : child);
  if (parent) parent.appendChild(made);
  return made;
}

const spoken = (pieces) => pieces.map(([words]) => words).join("");
const memberAt = () => state.at.reduce((sum, at, k) => sum * data.sliders[k].texts.length + at, 0);

// The values of a curve of a member; `which` counts the curves of all panels.
function rowOf(numbers, member, which, length) {
  const begin = (member * count + which) * length;
  return numbers.subarray(begin, begin + length);
}

// What is drawn of a panel: values below the noise of the run are left out where the axis is logarithmic.
function curvesOf(panel, member) {
  const lines = panel.curves.map((curve, k) => {
    let values = rowOf(store.values, member, panel.begin + k, times.length);
    if (isLog(panel)) {
      const floor = data.floor * values.reduce((most, each) => (each > most ? each : most), 0);
      values = values.map((each) => (each > floor ? each : NaN));
    }
    const errors = store.errors && rowOf(store.errors, member, panel.begin + k, times.length);
    return { ...curve, values, errors };
  });
  const shown = { times, lines, plateaus: data.members[member].plateaus };
  if (overlay) {
    const length = overlay.times.length;
    const others = panel.curves.map((curve, k) => ({
      color: curve.color,
      values: rowOf(overlay.values, 0, panel.begin + k, length),
      errors: rowOf(overlay.errors, 0, panel.begin + k, length),
    }));
    shown.overlay = { times: overlay.times, lines: others };
  }
  return shown;
}

const isLog = (panel) => panel.positive && state.log;

// The smallest and largest value of some members; those of runs that ended well, unless there is none.
function rangeOf(panel, members) {
  const well = members.filter((member) => data.members[member].status === "ok");
  let low = Infinity, high = -Infinity;
  const include = (value) => {
    if (!Number.isFinite(value) || (isLog(panel) && value <= 0)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  for (const member of well.length ? well : members) {
    for (const line of curvesOf(panel, member).lines) {
      line.values.forEach(include);
    }
  }
  // A simulation beside theory is to be seen whole, its errors too: on a logarithmic axis those above.
  for (const line of overlay ? curvesOf(panel, members[0]).overlay.lines : []) {
    line.values.forEach((value, k) => {
      if (isLog(panel) && !(value > 0)) return;
      include(value);
      include(value + line.errors[k]);
      if (!isLog(panel)) include(value - line.errors[k]);
    });
  }
  if (!(low <= high)) return isLog(panel) ? [0.1, 1] : [0, 1];
  if (isLog(panel)) return [low / 1.3, Math.max(high * 1.3, low * 2)];
  if (panel.positive) low = Math.min(low, 0);
  const margin = 0.05 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low === 0 ? 0 : low - margin, high + margin];
}

const everyone = data.members.map((_, k) => k);
const ranges = new Map();

function valueRange(panel) {
  if (state.fit) return rangeOf(panel, [memberAt()]);
  const key = `${panel.begin} ${isLog(panel)}`;
  if (!ranges.has(key)) ranges.set(key, rangeOf(panel, everyone));
  return ranges.get(key);
}

function timeRange() {
  const first = state.logTime ? times.find((time) => time > 0) : times[0];
  return [first, times[times.length - 1]];
}

// The parts of the page that stay.

function buildSliders() {
  const form = find("sliders");
  form.addEventListener("submit", (event) => event.preventDefault());
  data.sliders.forEach((slider, k) => {
    const box = make(form, "div", { class: "slider" });
    const name = make(null, "span", {}, slider.name, ...(slider.symbol.length ? [" ", slider.symbol] : []));
    const output = make(null, "output", { for: `slider${k}` });
    make(box, "label", { for: `slider${k}` }, name, output);
    const last = slider.texts.length - 1;
    const kind = slider.words ? "select" : "input";
    const range = slider.words ? {} : { type: "range", min: 0, max: last, step: 1, value: state.at[k] };
    const input = make(box, kind, { id: `slider${k}`, ...range });
    if (slider.words) slider.texts.forEach((text, at) => make(input, "option", { value: at }, spoken(text)));
    else make(box, "div", { class: "ends" }, make(null, "span", {}, slider.texts[0]), make(null, "span", {}, slider.texts[last]));
    input.addEventListener("input", () => {
      state.at[k] = Number(input.value);
      show();
    });
    slider.show = () => {
      output.replaceChildren(slider.words ? "" : html(slider.texts[state.at[k]]));
      input.setAttribute("aria-valuetext", spoken(slider.texts[state.at[k]]));
    };
  });
  const box = make(form, "div", { class: "slider cursor" });
  const output = make(null, "output", { for: "time" });
  make(box, "label", { for: "time" }, make(null, "span", {}, "read off at ", data.time.name), output);
  const input = make(box, "input", { id: "time", type: "range", min: 0, max: times.length - 1, step: 1 });
  input.value = state.row;
  input.addEventListener("input", () => {
    state.row = Number(input.value);
    read();
  });
  state.showTime = () => {
    input.value = state.row;
    output.replaceChildren(html(numberPieces(times[state.row])));
    input.setAttribute("aria-valuetext", spoken(numberPieces(times[state.row])));
  };
}

function buildPanels() {
  let begin = 0;
  data.panels.forEach((panel, k) => {
    Object.assign(panel, { begin, first: k === 0, last: k === data.panels.length - 1, time: data.time.name });
    begin += panel.curves.length;
    const box = make(find("charts"), "div", { class: "panel" });
    panel.legend = make(box, "div", { class: "legend" });
    panel.svg = element(box, "svg", { role: "img" });
    const move = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const inside = panel.svg.getBoundingClientRect();
      const x = ((event.clientX - inside.left) / inside.width) * panel.svg.viewBox.baseVal.width;
      const time = panel.svg.scales.x.inverse(x);
      state.row = times.reduce((best, each, row) => (Math.abs(each - time) < Math.abs(times[best] - time) ? row : best), 0);
      read();
    };
    panel.svg.addEventListener("pointerdown", move);
    panel.svg.addEventListener("pointermove", move);
  });
}

function buildView() {
  const toggle = (id, name, useful) => {
    find(`${id}-box`).hidden = !useful;
    find(id).checked = state[name];
    find(id).addEventListener("change", () => {
      state[name] = find(id).checked;
      show();
    });
  };
  toggle("log", "log", data.panels.some((panel) => panel.positive));
  toggle("log-time", "logTime", times.filter((time) => time > 0).length > 2);
  toggle("fit", "fit", data.members.length > 1);
  const large = () => document.documentElement.classList.contains("large");
  const tell = () => find("larger").setAttribute("aria-pressed", large());
  find("larger").addEventListener("click", () => {
    document.documentElement.classList.toggle("large");
    tell();
    show();
  });
  tell();
}

// What changes with the member and with the time that is read off.

function show() {
  const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const width = Math.max(20 * em, find("charts").clientWidth);
  const member = memberAt();
  for (const panel of data.panels) {
    panel.shown = curvesOf(panel, member);
    panel.shown.lines.forEach((line) => (line.known = line.values.some(Number.isFinite)));
    const size = { width, height: (panel.first ? 15 : 11) * em + (panel.last ? 2.1 * em : 0), em };
    const view = { logTime: state.logTime, log: isLog(panel) };
    drawPanel(panel.svg, panel, panel.shown, { time: timeRange(), value: valueRange(panel) }, view, size);
  }
  data.sliders.forEach((slider) => slider.show());
  showNumbers(member);
  read(em);
}

function read(em = parseFloat(getComputedStyle(document.documentElement).fontSize)) {
  state.showTime();
  for (const panel of data.panels) {
    drawCursor(panel.svg, state.row, panel.shown, em);
    showLegend(panel);
  }
}

// More curves than these get no names of their own.
const MOST_NAMES = 24;

function showLegend(panel) {
  panel.legend.replaceChildren();
  const known = panel.shown.lines.filter((line) => line.known);
  if (known.length > MOST_NAMES) make(panel.legend, "span", {}, panel.axis, `: ${known.length} curves`);
  for (const line of known.length > MOST_NAMES ? [] : known) {
    const entry = make(panel.legend, "span");
    const look = { stroke: line.color, "stroke-width": 2, ...(line.dash ? { "stroke-dasharray": line.dash } : {}) };
    element(element(entry, "svg", { viewBox: "0 0 30 10", "aria-hidden": "true" }), "line", { x1: 0, x2: 30, y1: 5, y2: 5, ...look });
    entry.append(html(line.name), " ");
    make(entry, "span", { class: "value" }, valueText(panel, line, state.row));
  }
  const time = spoken(numberPieces(times[state.row]));
  panel.svg.setAttribute("aria-label", `${panel.words} against ${spoken(data.time.name)}, read off at ${time}: ` +
    known.slice(0, MOST_NAMES).map((line) => `${spoken(line.name)} = ${spoken(valueText(panel, line, state.row))}`).join(", "));
}

const rawRow = (panel, line) => rowOf(store.values, memberAt(), panel.begin + panel.shown.lines.indexOf(line), times.length);

// A value in text; an error below the noise of the run is told as such.
function valueText(panel, line, row) {
  const values = rawRow(panel, line);
  const floor = panel.positive ? data.floor * values.reduce((most, each) => (each > most ? each : most), 0) : -Infinity;
  return values[row] < floor ? [["below ", ""], ...numberPieces(floor, 2)] : numberPieces(values[row]);
}

function showNumbers(member) {
  const box = find("numbers"), told = data.members[member];
  box.replaceChildren();
  if (told.status !== "ok") {
    make(box, "p", { class: "early" }, `This run ended early: ${told.status.replaceAll("_", " ")}. ${told.message}`);
  }
  const list = make(box, "dl");
  make(list, "dt", {}, "curves");
  make(list, "dd", {}, data.engine + (data.overlay ? `; markers: ${data.overlay.engine}` : ""));
  const panel = data.panels[0], line = panel.shown.lines[0];
  const values = rowOf(store.values, member, panel.begin, times.length);
  const last = values.findLastIndex(Number.isFinite);
  if (last >= 0) {
    make(list, "dt", {}, line.name, " at the end");
    make(list, "dd", { id: "end" }, valueText(panel, line, last), " at ", data.time.name, " = ", numberPieces(times[last]));
  }
  told.plateaus.forEach((each, k) => showPlateau(box, each, k, told.plateaus.length));
  if (panel.positive && !told.plateaus.length) make(box, "p", { class: "note" }, "No plateau in this run.");
}

function showPlateau(box, each, k, many) {
  make(box, "h2", {}, `${settles(each) ? "Settles" : "Plateau"}${many > 1 ? ` ${k + 1}` : ""}`);
  const list = make(box, "dl", { class: "plateau" });
  const row = (name, ...value) => {
    make(list, "dt", {}, name);
    make(list, "dd", {}, ...value);
  };
  row(data.time.name, numberPieces(each.entry), " to ", numberPieces(each.exit), each.left ? "" : ", not left before the end");
  row(data.panels[0].shown.lines[0].name, numberPieces(each.height));
  if (!each.eigenvalues) return;
  row("fixed point", each.kind);
  const list2 = each.eigenvalues.map(([real, imaginary]) => {
    const sign = imaginary < 0 ? " − " : " + ";
    return imaginary ? [...numberPieces(real, 3), [sign, ""], ...numberPieces(Math.abs(imaginary), 3), ["i", "i"]] : numberPieces(real, 3);
  });
  const joined = list2.flatMap((pieces, place) => (place ? [["; ", ""], ...pieces] : pieces));
  row("eigenvalues", joined, each.modes > each.eigenvalues.length ? `; ... (${each.modes} in all)` : "");
  if (each.eigenvalues[0][0] > 0) row("grows by e in", data.time.name, " = ", numberPieces(1 / each.eigenvalues[0][0], 3));
  if (each.direction.length) row("left along", each.direction);
}

buildSliders();
buildPanels();
buildView();
new ResizeObserver(() => show()).observe(find("charts"));
show();
