// The numbers behind a figure, as a table under it; asked for anew whenever it is opened.

function makeTable(root, ask) {
  const region = make(root, "div", { className: "simviz-table", hidden: true, tabIndex: 0 },
    { role: "region", "aria-label": "The figure as a table" });
  return {
    toggle() {
      if (region.hidden) ask();
      else region.hidden = true;
      return region.hidden;
    },
    close() { region.hidden = true; },
    get open() { return !region.hidden; },
    show({ caption, columns, rows }) {
      region.replaceChildren();
      const table = make(region, "table");
      make(table, "caption", { textContent: caption });
      const head = make(make(table, "thead"), "tr");
      for (const name of columns) make(head, "th", { textContent: name, scope: "col" });
      const body = make(table, "tbody");
      for (const row of rows) {
        const line = make(body, "tr");
        for (const word of row) make(line, "td", { textContent: word });
      }
      region.hidden = false;
      region.focus({ preventScroll: true });
    },
  };
}
