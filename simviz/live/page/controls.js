// What can a reader press and set? Buttons, switches, drop-downs, boxes to tick, sliders with a number to type, and
// points to drag, from the descriptions of simviz/live/controls.py.

const PACE = 50;  // milliseconds between two values of something that is dragged; the last one always goes out

function make(parent, tag, properties = {}, attributes = {}) {
  const element = parent.appendChild(Object.assign(document.createElement(tag), properties));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function paced(send) {
  let waiting = null, last = 0;
  return (name, value) => {
    const go = () => { waiting = null; last = performance.now(); send(name, value); };
    clearTimeout(waiting);
    const rest = PACE - (performance.now() - last);
    if (rest <= 0) go();
    else waiting = setTimeout(go, rest);
  };
}

const MAKERS = {
  button({ name, label }, bar, send) {
    const button = make(bar, "button", { type: "button", className: "simviz-button", textContent: label });
    button.addEventListener("click", () => button.ariaDisabled === "true" || send(name, null));
    return {
      input: button,
      set({ label, disabled }) {
        if (label !== undefined) button.textContent = label;
        if (disabled !== undefined) button.ariaDisabled = String(disabled);  // `disabled` would take the focus away
      },
    };
  },

  toggle({ name, label }, bar, send) {
    const wrap = make(bar, "label");
    const box = make(wrap, "input", { type: "checkbox" });
    make(wrap, "span", { textContent: label });
    box.addEventListener("change", () => send(name, box.checked));
    return { input: box, whole: wrap, set({ value }) { if (value !== undefined) box.checked = value; } };
  },

  select({ name, label, options }, bar, send) {
    const wrap = make(bar, "label");
    make(wrap, "span", { textContent: label });
    const select = make(wrap, "select");
    for (const option of options) select.add(new Option(option, option));
    select.addEventListener("change", () => send(name, select.value));
    return { input: select, whole: wrap, set({ value }) { if (value !== undefined) select.value = value; } };
  },

  choices({ name, label, options }, bar, send) {
    const group = make(bar, "fieldset", { className: "simviz-choices" });
    make(group, "legend", { textContent: label });
    const boxes = options.map((option) => {
      const wrap = make(group, "label");
      const box = make(wrap, "input", { type: "checkbox" });
      make(wrap, "span", { textContent: option });
      box.addEventListener("change", () => send(name, options.filter((_, i) => boxes[i].checked)));
      return box;
    });
    return {
      input: boxes[0],
      whole: group,
      set({ value }) { if (value) boxes.forEach((box, i) => { box.checked = value.includes(options[i]); }); },
    };
  },

  slider({ name, unit, log, ...given }, bar, send) {
    let { low, high, step } = given, typing = false;
    const group = make(bar, "div", { className: "simviz-slider" }, { role: "group" });
    const text = make(group, "span", { ariaHidden: "true" });
    const range = make(group, "input", { type: "range" });
    const number = make(group, "input", { type: "number" });
    if (unit) make(group, "span", { textContent: unit, ariaHidden: "true" });
    const toRange = (v) => (log ? (1000 * Math.log(v / low)) / Math.log(high / low) : v);
    const fromRange = (r) => {
      const value = log ? low * (high / low) ** (r / 1000) : r;
      return step >= 1 ? Math.round(value) : Number(value.toPrecision(4));
    };
    const ends = () => {
      [range.min, range.max, range.step] = log ? [0, 1000, 1] : [low, high, step];
      [number.min, number.max, number.step] = [low, high, log ? "any" : step];
    };
    const show = (value) => {
      range.value = toRange(value);
      number.value = value;
      range.setAttribute("aria-valuetext", `${value} ${unit || ""}`.trim());
    };
    const later = paced(send);
    range.addEventListener("input", () => {
      const value = fromRange(Number(range.value));
      number.value = value;
      range.setAttribute("aria-valuetext", `${value} ${unit || ""}`.trim());
      later(name, value);
    });
    number.addEventListener("input", () => { typing = true; });
    number.addEventListener("change", () => {
      typing = false;
      send(name, number.value === "" ? null : Number(number.value));
    });
    return {
      input: range,
      whole: group,
      set({ value, label, disabled, ...more }) {
        ({ low = low, high = high, step = step } = more);
        ends();
        if (label !== undefined) {
          text.textContent = label;
          group.setAttribute("aria-label", label);
          range.setAttribute("aria-label", label);
          number.setAttribute("aria-label", `${label}, as a number`);
        }
        if (disabled !== undefined) range.disabled = number.disabled = disabled;
        // what is under the reader's hand is not moved by an answer to an earlier place of it
        if (value !== undefined && !typing && !range.matches(":active")) show(value);
      },
      move(steps) { range.value = Number(range.value) + steps * Number(range.step); range.dispatchEvent(new Event("input")); },
    };
  },

  // A point of the drawing under the reader's hand, for pointer and arrow keys; `place` keeps it where the point is.
  handle({ name, label, subplot, step, box, value }, bar, send, host) {
    let at = value, told = null, plot = null, away = false;
    const knob = make(host, "button", { type: "button", className: "simviz-handle" }, { "aria-label": label });
    const axes = () => {
      const full = plot && plot._fullLayout, number = subplot ? subplot + 1 : "";
      return full && full["xaxis" + number] ? [full["xaxis" + number], full["yaxis" + number]] : null;
    };
    const place = () => {
      const pair = axes();
      knob.hidden = away || !pair;
      if (!pair) return;
      const [x, y] = pair;
      knob.style.left = `${plot.offsetLeft + x._offset + x.d2p(at[0])}px`;
      knob.style.top = `${plot.offsetTop + y._offset + y.d2p(at[1])}px`;
      knob.setAttribute("aria-label", `${label}: ${at[0].toFixed(3)}, ${at[1].toFixed(3)}; arrow keys move it`);
    };
    const later = paced(send);
    const to = (x, y) => {
      at = [Math.min(Math.max(x, box[0]), box[1]), Math.min(Math.max(y, box[2]), box[3])];
      place();
      later(name, at);
    };
    knob.addEventListener("pointerdown", (event) => {
      knob.setPointerCapture(event.pointerId);
      knob.classList.add("simviz-held");
      event.preventDefault();
      knob.focus();
    });
    knob.addEventListener("pointermove", (event) => {
      const pair = axes();
      if (!knob.hasPointerCapture(event.pointerId) || !pair) return;
      const frame = plot.getBoundingClientRect();
      to(pair[0].p2d(event.clientX - frame.left - pair[0]._offset), pair[1].p2d(event.clientY - frame.top - pair[1]._offset));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      knob.addEventListener(end, () => {
        knob.classList.remove("simviz-held");
        if (told) at = told;  // where the kernel put it meanwhile, perhaps not under the hand
        place();
      });
    }
    knob.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      const size = step * (event.shiftKey ? 10 : 1);
      to(at[0] + way[0] * size, at[1] + way[1] * size);
      event.preventDefault();
      event.stopPropagation();
    });
    return {
      input: knob,
      set({ value, hidden }) {
        if (hidden !== undefined) away = hidden;
        if (value) told = value;
        if (value && !knob.classList.contains("simviz-held")) at = value;
        place();
      },
      drawn(on) { plot = on; place(); },
    };
  },
};

// All controls of a figure; `change` takes the kernel's word, `press` and `move` are the keyboard's, `drawn` the plot's.
function makeControls(descriptions, bar, host, send) {
  const known = {};
  let scrubber = null;
  const change = (name, changes) => {
    const control = known[name];
    if (!control) return;
    control.set(changes);
    if (changes.hidden !== undefined) (control.whole || control.input).hidden = changes.hidden;
  };
  for (const description of descriptions) {
    const control = MAKERS[description.kind](description, bar, send, host);
    if (description.tip) control.input.title = description.tip;
    if (description.scrub) scrubber = control;
    known[description.name] = control;
    change(description.name, description);
  }
  return {
    change,
    press(name) {
      const control = known[name];
      if (!control || control.input.ariaDisabled === "true") return false;
      control.input.click();
      return true;
    },
    move(steps) {
      if (scrubber) scrubber.move(steps);
      return scrubber !== null;
    },
    drawn(plot) { for (const control of Object.values(known)) if (control.drawn) control.drawn(plot); },
  };
}
