// The numbers behind a figure, as a table under it, which follows while it is open.

function makeTable(root, button, want) {
  const region = make(root, "div", { className: "simviz-table", hidden: true, tabIndex: 0 },
    { role: "region", "aria-label": "The figure as a table" });
  let wanted = false, asked = false;
  const set = (open, byReader) => {
    wanted = open;
    asked = byReader;
    button.ariaExpanded = String(open);
    if (!open) region.hidden = true;
    want(open ? "table" : "no table");
  };
  return {
    get open() { return wanted; },
    set,
    show({ caption, columns, rows }) {
      if (!wanted) return;
      const table = document.createElement("table");
      make(table, "caption", { textContent: caption });
      const head = make(make(table, "thead"), "tr");
      for (const name of columns) make(head, "th", { textContent: name, scope: "col" });
      const body = make(table, "tbody");
      for (const row of rows) {
        const line = make(body, "tr");
        for (const word of row) make(line, "td", { textContent: word });
      }
      region.replaceChildren(table);
      region.hidden = false;
      if (asked) region.focus({ preventScroll: true });
      asked = false;
    },
  };
}
