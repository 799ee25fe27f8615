// Tabs over one panel at a time: a tab is chosen by click, by arrow keys, Home and End. See simviz/live/panels/dashboard.py.

let bars = 0;

function render({ model, el }) {
  const id = `simviz-tabs-${bars++}`;
  const add = (parent, tag, properties = {}, attributes = {}) => {
    const element = parent.appendChild(Object.assign(document.createElement(tag), properties));
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const root = add(el, "div", { className: "simviz-dashboard" });
  const list = add(root, "div", { className: "simviz-tabs" }, { role: "tablist", "aria-label": model.get("label") });
  const heading = add(root, "h2", { id });
  const note = add(root, "p", { className: "simviz-notice" }, { role: "status" });
  const wrong = add(root, "p", { className: "simviz-wrong" }, { role: "alert" });

  const tabs = model.get("titles").map((title, number) => {
    const tab = add(list, "button", { type: "button", textContent: title },
      { role: "tab", "data-lm-suppress-shortcuts": "true" });
    tab.addEventListener("click", () => choose(number));
    return tab;
  });
  const mark = (number) => tabs.forEach((tab, i) => {
    tab.setAttribute("aria-selected", String(i === number));
    tab.tabIndex = i === number ? 0 : -1;
  });
  let timer = 0, at = model.get("chosen");
  const choose = (number, later = 0) => {  // an arrow key that is held passes tabs by without making them
    clearTimeout(timer);
    at = number;
    mark(number);
    tabs[number].focus({ preventScroll: true });
    timer = setTimeout(() => model.send({ choose: number }), later);
  };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (event.key !== "Escape") event.stopPropagation();  // JupyterLab's one-key shortcuts stay out
    if (to === undefined) return;
    event.preventDefault();
    choose((to + tabs.length) % tabs.length, 300);
  });

  const show = () => {
    at = model.get("chosen");
    mark(at);
    heading.textContent = model.get("titles")[at];
    note.textContent = model.get("busy") || model.get("note");
    wrong.textContent = model.get("error");
    wrong.hidden = !model.get("error");
    const pane = el.closest(".simviz-talk") && el.closest(".simviz-talk").querySelector(".simviz-pane");
    if (pane) {
      pane.setAttribute("role", "tabpanel");
      pane.setAttribute("aria-labelledby", id);
    }
  };
  const events = ["chosen", "note", "busy", "error"].map((name) => `change:${name}`);
  for (const event of events) model.on(event, show);
  show();
  const placed = setTimeout(show, 500);  // the pane may come after the tabs
  return () => {
    clearTimeout(timer);
    clearTimeout(placed);
    for (const event of events) model.off(event, show);
  };
}

export default { render };
