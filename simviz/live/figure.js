// A live figure in the page: controls, one Plotly drawing fed by binary updates, a state line. See figure.py for the
// messages. Plotly comes from the page; where it has none, once a page from the kernel; never from anywhere else.

const MIME = "application/vnd.plotly.v1+json";
const [REPLACE, APPEND, QUANTISED] = [0, 1, 2];
const CONFIG = { displaylogo: false, responsive: false, displayModeBar: "hover",
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
const KEYS = { " ": "start", ".": "step", "s": "stop" };

// Plotly that JupyterLab has loaded for its own renderer: drawing one empty figure with it sets globalThis.Plotly.
async function plotlyOfThePage() {
  if (globalThis.Plotly) return globalThis.Plotly;
  const extension = globalThis._JUPYTERLAB && globalThis._JUPYTERLAB["jupyterlab-plotly"];
  if (!extension) return null;
  try {
    const plugins = (await extension.get("./mimeExtension"))().default;
    const renderer = plugins[0].rendererFactory.createRenderer({ mimeType: MIME });
    await renderer.renderModel({ data: { [MIME]: { data: [], layout: {}, config: {} } }, metadata: {}, setData() {} });
    for (let tries = 0; tries < 100 && !globalThis.Plotly; tries++) await new Promise((r) => setTimeout(r, 20));
    return globalThis.Plotly || null;
  } catch (error) {
    return null;
  }
}

// One request a page, whatever the number of figures.
function plotlyOfTheKernel(model, tell) {
  globalThis.simvizPlotly ??= new Promise((resolve, reject) => {
    tell("Fetching the drawing library from the kernel, 5 MB, once for this page ...");
    const take = (message, buffers) => {
      if (!message.plotly) return;
      model.off("msg:custom", take);
      const address = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      const script = document.createElement("script");
      script.onload = () => resolve(globalThis.Plotly);
      script.onerror = () => reject(new Error("the drawing library could not be loaded"));
      script.src = address;
      document.head.append(script);
    };
    model.on("msg:custom", take);
    model.send({ want: "plotly" });
  });
  return globalThis.simvizPlotly;
}

function isDark(element) {
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  const colour = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g);
  if (colour && (colour.length < 4 || +colour[3] > 0)) {
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 128;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// The points of one update: [x, y], with NaN for gaps.
function decode(kind, count, view, offset, [xrange, yrange]) {
  if (kind !== QUANTISED) {
    return [0, 1].map((i) => Array.from(new Float32Array(view, offset + 4 * i * count, count)));
  }
  return [xrange, yrange].map(([low, high], i) => {
    const half = 1.5 * (high - low), centre = (low + high) / 2;
    const raw = new Int16Array(view, offset + 2 * i * count, count);
    return Array.from(raw, (v) => (v === -32768 ? NaN : centre + (half * v) / 32767));
  });
}

const bytesOf = (kind, count) => (kind === QUANTISED ? 4 * count : 8 * count);
const raysOf = (values) => values.flatMap((v) => [0, v, NaN]);

function render({ model, el }) {
  let drawing = model.get("drawing");
  let points = drawing.modes.map(() => [[], []]);
  const root = document.createElement("div");
  root.className = "simviz";
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", drawing.alt + " Space starts and pauses, full stop steps, s stops, Escape leaves.");
  const bar = root.appendChild(document.createElement("div"));
  bar.className = "simviz-controls";
  const state = root.appendChild(document.createElement("div"));
  state.className = "simviz-state";
  state.textContent = drawing.state;
  const plot = root.appendChild(document.createElement("div"));
  plot.className = "simviz-plot";
  plot.style.height = drawing.height + "px";
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", drawing.alt);
  const spoken = root.appendChild(document.createElement("div"));
  spoken.className = "simviz-spoken";
  spoken.setAttribute("aria-live", "polite");
  const wrong = root.appendChild(document.createElement("div"));
  wrong.className = "simviz-error";
  wrong.setAttribute("role", "alert");
  el.append(root);

  const controls = makeControls(drawing.controls, bar, (event, value) => model.send({ event, value }));
  let Plotly = null, dark = isDark(root), drawn = false, gone = false;
  let held = null;  // the layout is kept between frames, so that a reader's zoom is
  let lastSpoken = performance.now();

  const showError = () => {
    wrong.textContent = model.get("error");
    wrong.hidden = !model.get("error");
  };
  model.on("change:error", showError);
  showError();
  const takeUp = () => {
    drawing = model.get("drawing");
    points = drawing.modes.map(() => [[], []]);
    held = null;
    plot.setAttribute("aria-label", drawing.alt);
  };
  model.on("change:drawing", takeUp);

  const traces = () => drawing[dark ? "dark" : "light"].traces.map((style, i) => {
    const [x, y] = points[i];
    return drawing.modes[i] === "rays" ? { ...style, x: raysOf(x), y: raysOf(y) } : { ...style, x, y };
  });
  const layout = () => {
    const made = structuredClone(drawing[dark ? "dark" : "light"].layout);
    return { ...made, autosize: false, width: plot.clientWidth || 900, height: drawing.height };
  };
  const draw = async () => {
    if (!Plotly || gone) return;
    held ??= layout();
    root.classList.toggle("simviz-dark", dark);
    await Plotly.react(plot, traces(), held, CONFIG);
    if (!drawn) {
      drawn = true;
      plot.addEventListener("click", click, true);
    }
  };

  const click = (event) => {
    if (event.target.closest(".modebar, .legend") || event.detail > 1) return;
    const full = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    for (const name of Object.keys(full).filter((key) => /^xaxis\d*$/.test(key))) {
      const number = name.slice(5), x = full[name], y = full["yaxis" + number];
      const [px, py] = [event.clientX - box.left - x._offset, event.clientY - box.top - y._offset];
      if (px >= 0 && py >= 0 && px <= x._length && py <= y._length) {
        model.send({ event: "click", value: [number ? number - 1 : 0, x.p2c ? x.p2d(px) : px, y.p2d(py)] });
      }
    }
  };

  const take = async (message, buffers) => {
    if (message.f === undefined) return;
    if (message.u) for (const [name, changes] of Object.entries(message.u)) controls.change(name, changes);
    if (message.s !== undefined) state.textContent = message.s;
    const now = performance.now();
    if (message.d || (message.s !== undefined && now - lastSpoken > 5000)) {
      spoken.textContent = message.d || message.s;
      lastSpoken = now;
    }
    if (message.c) {
      const buffer = buffers[0].buffer.slice(buffers[0].byteOffset, buffers[0].byteOffset + buffers[0].byteLength);
      let offset = 0;
      for (const [number, kind, count] of message.c) {
        const [x, y] = decode(kind, count, buffer, offset, drawing.ranges[number]);
        points[number] = kind === APPEND ? [points[number][0].concat(x), points[number][1].concat(y)] : [x, y];
        offset += Math.ceil(bytesOf(kind, count) / 4) * 4;
      }
      await draw();
    }
    // a hidden tab gets no animation frames: answer at once there
    if (document.hidden) model.send({ ack: message.f });
    else requestAnimationFrame(() => gone || model.send({ ack: message.f }));
  };
  model.on("msg:custom", take);

  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") root.ownerDocument.activeElement.blur();
    const typing = event.target.matches("input, select, textarea");
    const onButton = event.key === " " && event.target.matches("button, input");
    const name = KEYS[event.key];
    if (name && !typing && !onButton && !event.ctrlKey && !event.metaKey && !event.altKey && controls.press(name)) {
      event.preventDefault();
    }
    event.stopPropagation();  // JupyterLab's one-key shortcuts stay out
  });

  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  const tellMotion = () => model.send({ still: motion.matches });
  motion.addEventListener("change", tellMotion);
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
      model.send({ ready: true, dark });
    }
  });
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class", "style"] });

  (async () => {
    try {
      Plotly = (await plotlyOfThePage())
        || (await plotlyOfTheKernel(model, (text) => { state.textContent = text; }));
      await draw();
      if (motion.matches) tellMotion();
      model.send({ ready: true, dark });
    } catch (error) {
      wrong.hidden = false;
      wrong.textContent = "The figure cannot be drawn: " + error.message;
    }
  })();

  return () => {
    gone = true;
    model.off("msg:custom", take);
    model.off("change:error", showError);
    model.off("change:drawing", takeUp);
    motion.removeEventListener("change", tellMotion);
    sizes.disconnect();
    themes.disconnect();
    if (drawn) Plotly.purge(plot);
  };
}

// Buttons, drop-downs and switches from their descriptions; `change` takes the kernel's word, `press` is the keyboard's.
function makeControls(descriptions, bar, send) {
  const known = {};
  for (const { name, kind, label, options } of descriptions) {
    if (kind === "button") {
      const button = bar.appendChild(document.createElement("button"));
      button.type = "button";
      button.className = "simviz-button";
      button.addEventListener("click", () => button.ariaDisabled === "true" || send(name, null));
      known[name] = { input: button, text: button };
    } else if (kind === "select") {
      const wrap = bar.appendChild(document.createElement("label"));
      const text = wrap.appendChild(document.createElement("span"));
      const select = wrap.appendChild(document.createElement("select"));
      for (const option of options) select.add(new Option(option, option));
      select.addEventListener("change", () => send(name, select.value));
      known[name] = { input: select, text };
    } else {
      const wrap = bar.appendChild(document.createElement("label"));
      const box = wrap.appendChild(document.createElement("input"));
      box.type = "checkbox";
      const text = wrap.appendChild(document.createElement("span"));
      box.addEventListener("change", () => send(name, box.checked));
      known[name] = { input: box, text };
    }
    known[name].text.textContent = label;
  }
  const change = (name, { label, disabled, value }) => {
    const { input, text } = known[name];
    if (label !== undefined) text.textContent = label;
    if (disabled !== undefined) input.ariaDisabled = String(disabled);  // `disabled` itself would take the focus away
    if (value !== undefined && input.type === "checkbox") input.checked = value;
    else if (value !== undefined && value !== null) input.value = value;
  };
  for (const { name, kind, ...rest } of descriptions) change(name, rest);
  const press = (name) => {
    if (!known[name] || known[name].input.ariaDisabled === "true") return false;
    known[name].input.click();
    return true;
  };
  return { change, press };
}

export default { render };
