// A live figure in the page: controls, a state line, one Plotly drawing fed by binary updates. See simviz/live/figure.py
// for the messages. This file comes last of those in this folder; together they are one module.

const [REPLACE, APPEND, QUANTISED, IMAGE, HALVE] = [0, 1, 2, 3, 4];
const CONFIG = { displaylogo: false, responsive: false, displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const KEYS = { " ": "start", ".": "step", s: "stop", r: "reset" };
const HELP = "Space starts and pauses, full stop steps, s stops, r resets, arrow keys scrub, t shows a table, Escape leaves.";
const WHOLE = 1000;  // milliseconds from one whole drawing to the next, while only points move
const PICTURES = 6;  // small stills under the figure, for a reader who asked for reduced motion

function isDark(element) {
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  const named = document.body.dataset.vscodeThemeKind || document.documentElement.getAttribute("theme");  // VS Code, Colab
  if (named) return /dark|high-contrast$/.test(named);
  const colour = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
  if (colour && (colour.length < 4 || +colour[3] > 0)) {
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

const UNSCALED = { linear: (v) => v, log: (v) => 10 ** v, sqrt: (v) => v * v };
const floats = (buffer, offset, count) => Array.from(new Float32Array(buffer, offset, count));
const sixteen = (buffer, offset, count, low, high) =>
  Array.from(new Int16Array(buffer, offset, count), (v) => (v === -32768 ? NaN : low + (high - low) * (v / 65534 + 0.5)));

// One update -> the bytes it took and the trace's new points, {x, y} or {x, y, z}; NaN are gaps.
function decode([, kind, count, ...more], buffer, offset, old) {
  if (kind === HALVE) {
    const halve = (list) => { for (let i = 0; i < count; i++) list = list.filter((_, k) => k % 2 === 0); return list; };
    return [0, { x: halve(old.x), y: halve(old.y) }];
  }
  if (kind === IMAGE) {
    const [rows, low, high] = more;
    const x = floats(buffer, offset, count + 1), y = floats(buffer, offset + 4 * (count + 1), rows + 1);
    const start = offset + 4 * (count + rows + 2), z = [];
    for (let i = 0; i < rows; i++) z.push(sixteen(buffer, start + 2 * i * count, count, low, high));
    return [4 * (count + rows + 2) + 2 * rows * count, { x, y, z, zmin: low, zmax: high }];
  }
  if (kind === QUANTISED) {
    const [x, y] = [0, 1].map((i) => {
      const [low, high] = more.slice(2 * i, 2 * i + 2), centre = (low + high) / 2, half = 1.5 * (high - low);
      return sixteen(buffer, offset + 2 * i * count, count, centre - half, centre + half);
    });
    return [4 * count, { x, y }];
  }
  if (kind === APPEND && more.length) {
    const x = Array.from({ length: count }, (_, i) => more[0] + i * more[1]);
    return [4 * count, { x: old.x.concat(x), y: old.y.concat(floats(buffer, offset, count)) }];
  }
  const x = floats(buffer, offset, count), y = floats(buffer, offset + 4 * count, count);
  return [8 * count, kind === APPEND ? { x: old.x.concat(x), y: old.y.concat(y) } : { x, y }];
}

// A drawing in other colours.
function recoloured(part, colours) {
  if (typeof part === "string") return colours[part] ?? part;
  if (Array.isArray(part)) return part.map((one) => recoloured(one, colours));
  if (!part || typeof part !== "object") return part;
  return Object.fromEntries(Object.entries(part).map(([key, one]) => [key, recoloured(one, colours)]));
}

const near = (a, b) => Array.isArray(a) && Array.isArray(b) && a.length === b.length && Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1])
  < 0.1 * Math.abs(b[1] - b[0]);
// Is what is new of a layout no more than an axis whose ends moved a little? Then it can wait for the next whole drawing.
const canWait = (new_, old) => Object.entries(new_).every(([key, one]) => {
  const { range, tickvals, ...rest } = one, { range: oldRange, tickvals: oldTicks, ...oldRest } = old[key] || {};
  return JSON.stringify(one) === JSON.stringify(old[key])
    || (/^[xy]axis/.test(key) && near(range, oldRange) && JSON.stringify(rest) === JSON.stringify(oldRest));
});

// Put a trace's points where they belong without Plotly's whole round; false where only that can draw them.
function moved(plot, number, { x, y }) {
  const full = plot._fullData[number], trace = plot.querySelector(`.scatterlayer .trace${full && full.uid}`);
  if (!full) return false;
  if (full.visible !== true) return full.visible === "legendonly" || x.length === 0;
  if (full.type !== "scatter" || full.cliponaxis === false || (full.fill && full.fill !== "none") || full.mode.includes("text") || !trace) return false;
  const [across, up] = [full.xaxis, full.yaxis].map((name) => plot._fullLayout[name.replace(/^([xy])/, "$1axis")]);
  const at = x.map((_, i) => [across.d2p(x[i]), up.d2p(y[i])]);
  const shown = ([px, py]) => Number.isFinite(px) && Number.isFinite(py);
  const lines = trace.querySelectorAll("path.js-line"), marks = trace.querySelectorAll("path.point");
  if (full.mode.includes("lines")) {
    if (full.line.shape !== "linear" || !lines.length || !at.some(shown)) return false;
  }
  if (full.mode.includes("markers") && (marks.length !== at.length || !at.every(shown))) return false;
  if (full.mode.includes("lines")) {
    let pen = "M";
    const path = at.map((p) => {
      if (!shown(p)) { pen = "M"; return ""; }
      const part = `${pen}${p[0].toFixed(2)},${p[1].toFixed(2)}`;
      pen = "L";
      return part;
    });
    lines.forEach((line, i) => line.setAttribute("d", i ? "M0,0" : path.join("")));
  }
  if (full.mode.includes("markers")) at.forEach(([px, py], i) => marks[i].setAttribute("transform", `translate(${px},${py})`));
  Object.assign(plot.data[number], { x, y });
  return true;
}

const raysOf = (values) => values.flatMap((v) => [0, v, NaN]);

function render({ model, el }) {
  let drawing, points, texts, held;  // `held` is the layout, kept between frames so that a reader's zoom is
  const root = make(el, "div", { className: "simviz", tabIndex: 0 },
    { role: "group", "data-lm-suppress-shortcuts": "true" });
  const bar = make(root, "div", { className: "simviz-controls" });
  const state = make(root, "div", { className: "simviz-state" });
  const plot = make(root, "div", { className: "simviz-plot" }, { role: "figure" });
  const stills = make(root, "div", { className: "simviz-stills", hidden: true });
  const spoken = make(root, "div", { className: "simviz-spoken" }, { "aria-live": "polite" });
  const wrong = make(root, "div", { className: "simviz-error" }, { role: "alert" });

  const takeUp = () => {
    drawing = structuredClone(model.get("drawing"));
    if (drawing.dark.colours) drawing.dark = recoloured(drawing.light, drawing.dark.colours);
    points = drawing.modes.map(() => ({ x: [], y: [] }));
    texts = {};
    held = null;
    plot.style.height = drawing.height + "px";
    plot.setAttribute("aria-label", drawing.alt);
    root.setAttribute("aria-label", `${drawing.alt} ${HELP}`);
  };
  takeUp();
  model.on("change:drawing", takeUp);
  state.textContent = drawing.state;

  const send = (event, value) => model.send({ event, value });
  const controls = makeControls(drawing.controls, bar, root, send);
  const tableButton = make(bar, "button", { type: "button", className: "simviz-button simviz-quiet", textContent: "Table" },
    { "aria-expanded": "false", title: "The numbers behind the figure (t)" });
  const table = makeTable(root, tableButton, (want) => model.send({ want }));
  const toggleTable = () => table.set(!table.open, true);
  tableButton.addEventListener("click", toggleTable);

  let Plotly = null, dark = isDark(root), drawn = false, gone = false;
  let lastSpoken = performance.now(), tallest = 0, queue = Promise.resolve();
  let wholeAt = 0, late = 0;  // when everything was drawn, and the timer that does it again

  const failed = (error) => {
    wrong.hidden = false;
    wrong.textContent = "The figure cannot be drawn: " + error.message;
  };
  const showError = () => {
    wrong.textContent = model.get("error");
    wrong.hidden = !model.get("error");
  };
  model.on("change:error", showError);
  showError();

  const theme = () => drawing[dark ? "dark" : "light"];
  const traces = () => theme().traces.map((style, i) => {
    const { x, y, ...image } = points[i];
    if (drawing.modes[i] === "rays") return { ...style, x: raysOf(x), y: raysOf(y) };
    const more = texts[i] ? { text: texts[i], hoverinfo: "text+name" } : {};
    if (image.z) {
      const back = UNSCALED[drawing.scales[i]];
      more.customdata = image.z.map((row) => row.map(back));
      more.hovertemplate = "%{x:.3g}, %{y:.3g}: %{customdata:.3g}<extra>%{fullData.name}</extra>";
    }
    return { ...style, x, y, ...image, ...more };
  });
  const draw = async () => {
    if (!Plotly || gone) return;
    clearTimeout(late);
    late = 0;
    held ??= { ...structuredClone(theme().layout), autosize: false, width: plot.clientWidth || 900, height: drawing.height };
    root.classList.toggle("simviz-dark", dark);
    await Plotly.react(plot, traces(), held, CONFIG);
    if (!drawn) {
      drawn = true;
      plot.addEventListener("click", click, true);
      for (const change of ["plotly_relayout", "plotly_afterplot"]) plot.on(change, () => gone || controls.drawn(plot));
    }
    controls.drawn(plot);
    wholeAt = performance.now();
  };
  // Between two whole drawings only the points move that changed; axes, hover and legend follow with the next one.
  const drawPoints = async (changed) => {
    const left = wholeAt + WHOLE - performance.now();
    const light = drawn && held && left > 0 && !plot._dragging && changed.every((i) =>
      drawing.modes[i] !== "rays" && !points[i].z && !texts[i] && moved(plot, i, points[i]));
    if (!light) return draw();
    late ||= setTimeout(() => { queue = queue.then(draw).catch(failed); }, left);
  };

  let pressedAt = [0, 0];
  plot.addEventListener("pointerdown", (event) => { pressedAt = [event.clientX, event.clientY]; }, true);
  const click = (event) => {
    const moved = Math.hypot(event.clientX - pressedAt[0], event.clientY - pressedAt[1]);
    if (event.target.closest(".modebar, .legend") || event.detail > 1 || moved > 4) return;
    const full = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    for (const name of Object.keys(full).filter((key) => /^xaxis\d*$/.test(key))) {
      const number = name.slice(5), x = full[name], y = full["yaxis" + number];
      const [px, py] = [event.clientX - box.left - x._offset, event.clientY - box.top - y._offset];
      if (px >= 0 && py >= 0 && px <= x._length && py <= y._length) {
        send("click", [number ? number - 1 : 0, x.p2d(px), y.p2d(py)]);
      }
    }
  };

  const keepStill = async (caption) => {
    if (!drawn || gone) return;
    const size = { width: plot.clientWidth, height: drawing.height };
    const source = await Plotly.toImage(plot, { format: "png", ...size, scale: 0.6 });
    if (stills.childElementCount >= PICTURES) stills.replaceChildren();
    const one = make(stills, "figure");
    make(one, "img", { src: source, alt: `${drawing.alt} ${caption}` });
    make(one, "figcaption", { textContent: caption });
    stills.hidden = false;
  };

  const frame = async (message, buffers) => {
    if (message.u) for (const [name, changes] of Object.entries(message.u)) controls.change(name, changes);
    if (message.s !== undefined) {
      state.textContent = message.s;
      tallest = Math.max(tallest, state.offsetHeight);  // the drawing does not jump when a sentence wraps
      state.style.minHeight = `${tallest}px`;
      plot.setAttribute("aria-label", `${drawing.alt} ${message.s}`);
    }
    const now = performance.now();
    if (message.d || (message.s !== undefined && now - lastSpoken > 5000)) {
      spoken.textContent = message.d || message.s;
      lastSpoken = now;
    }
    let waits = !message.h && !message.d && !message.m;
    for (const [name, new_] of Object.entries(message.l || {})) {
      waits &&= canWait(new_, drawing[name].layout);
      Object.assign(drawing[name].layout, new_);
      if (held && name === (dark ? "dark" : "light")) held = { ...held, ...structuredClone(new_) };
    }
    Object.assign(texts, message.h || {});
    if (message.c) {
      const buffer = buffers[0].buffer.slice(buffers[0].byteOffset, buffers[0].byteOffset + buffers[0].byteLength);
      let offset = 0;
      for (const update of message.c) {
        const [bytes, taken] = decode(update, buffer, offset, points[update[0]]);
        points[update[0]] = taken;
        offset += Math.ceil(bytes / 4) * 4;
      }
    }
    if (message.c && waits) await drawPoints([...new Set(message.c.map(([channel]) => channel))]);
    else if (message.c || message.l || message.h || (message.d && late)) await draw();
    const took = (performance.now() - now) / 1000;
    if (message.m) await keepStill(message.m);
    // a hidden tab gets no animation frames: answer at once there
    if (document.hidden) model.send({ ack: message.f });
    else requestAnimationFrame(() => gone || model.send({ ack: message.f, took }));
  };
  const take = (message, buffers) => {
    if (message.t) table.show(message.t);
    if (message.f === undefined) return;
    queue = queue.then(() => frame(message, buffers)).catch((error) => {
      failed(error);
      model.send({ ack: message.f });
    });
  };
  model.on("msg:custom", take);

  root.addEventListener("keydown", (event) => {
    event.stopPropagation();  // JupyterLab's one-key shortcuts stay out
    if (event.key === "Escape") {
      if (table.open) toggleTable();
      const cell = root.closest(".jp-Cell");  // so that JupyterLab's own keys go on from here
      if (cell) cell.focus(); else root.ownerDocument.activeElement.blur();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, textarea, input[type=number]")) return;
    const slides = event.target.matches("input[type=range]"), ticks = event.target.matches("input[type=checkbox]");
    if (event.key === " " && (event.target.matches("button") || ticks)) return;  // it presses what has the focus
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    let done = false;
    if (KEYS[event.key]) done = controls.press(KEYS[event.key]);
    else if (event.key === "t") { toggleTable(); done = true; }
    else if (steps && !slides && !table.open) done = controls.move(steps * (event.shiftKey ? 10 : 1));
    if (done || (event.key === " " && event.target === root)) event.preventDefault();
  });
  root.addEventListener("click", (event) => {
    if (!event.target.closest("button, input, select, label, .simviz-table, .modebar")) root.focus({ preventScroll: true });
  });

  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const ready = () => model.send({ ready: true, dark, still: motion.matches });
  motion.addEventListener("change", ready);
  const sizes = new ResizeObserver(() => {
    if (drawn && plot.clientWidth && Math.abs(plot.clientWidth - held.width) > 2) {
      held = { ...held, width: plot.clientWidth };
      Plotly.relayout(plot, { width: plot.clientWidth });
    }
  });
  sizes.observe(plot);
  const themes = new MutationObserver(() => {
    if (isDark(root) !== dark) {
      dark = !dark;
      held = null;
      draw();
      ready();
    }
  });
  const named = ["data-jp-theme-light", "data-vscode-theme-kind", "theme", "class", "style"];
  for (const one of [document.body, document.documentElement]) themes.observe(one, { attributes: true, attributeFilter: named });

  let leave;
  const left = new Promise((resolve) => { leave = resolve; });
  (async () => {
    try {
      Plotly = (await plotlyOfThePage())
        || (await plotlyOfTheKernel(model, (text) => { state.textContent = text; }, left));
      if (gone) return;
      await draw();
      ready();
      if (drawing.table) table.set(true, false);
    } catch (error) {
      failed(error);
    }
  })();

  return () => {
    gone = true;
    leave();
    clearTimeout(late);
    model.off("msg:custom", take);
    model.off("change:error", showError);
    model.off("change:drawing", takeUp);
    motion.removeEventListener("change", ready);
    sizes.disconnect();
    themes.disconnect();
    if (drawn) Plotly.purge(plot);
  };
}

export default { render };
