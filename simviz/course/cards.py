"""How does a card look? The frame that predictions and exercises share, and a region that is read out when it changes.

Colours are those of JupyterLab's theme, so that light and dark both read well; text is 14 px at the least.
"""

from __future__ import annotations

from typing import Any

import anywidget
import ipywidgets
import traitlets

STYLE = """<style>
.simviz-course { font: 14px/1.5 var(--jp-ui-font-family, system-ui, sans-serif); --jp-widgets-font-size: 14px;
  color: var(--jp-ui-font-color1, #1f1f1f); background: var(--jp-layout-color1, #fff); padding: 8px 14px 12px;
  border: 1px solid var(--jp-border-color1, #8a8a8a); border-radius: 4px; max-width: 820px; box-sizing: border-box;
  --jp-widgets-color: var(--jp-ui-font-color1, #1f1f1f); --jp-widgets-label-color: var(--jp-ui-font-color1, #1f1f1f); }
.simviz-course p { margin: 4px 0; }
.simviz-course .widget-html-content { font-size: 14px; line-height: 1.5; }
.simviz-course .widget-button { border: 1px solid currentColor; }
.simviz-course pre, .simviz-course code { font-size: 14px; color: inherit; background: transparent; }
.simviz-course pre { margin: 4px 0; padding: 6px 10px; overflow-x: auto; white-space: pre-wrap;
  border-left: 3px solid var(--jp-border-color1, #8a8a8a); }
.simviz-course ul { list-style: none; margin: 4px 0; padding: 0; }
.simviz-course li { padding: 4px 0 4px 10px; margin: 4px 0; border-left: 3px solid transparent; }
.simviz-course li.simviz-right { border-left: 3px double currentColor; }
.simviz-course summary { cursor: pointer; min-height: 24px; }
.simviz-course .simviz-beside { display: flex; flex-wrap: wrap; gap: 0 24px; }
.simviz-course .simviz-beside p { flex: 1 1 260px; overflow-wrap: anywhere; }
.simviz-course .widget-radio-box { height: auto; max-width: none; }
.simviz-course .widget-radio-box label { height: auto; min-height: 24px; line-height: 1.5; font-size: 14px;
  white-space: normal; margin: 2px 0; }
.simviz-course .jupyter-button, .simviz-course .widget-toggle-button { min-height: 30px; width: auto;
  padding: 0 12px; color: var(--jp-ui-font-color1, #1f1f1f); }
.simviz-course .widget-toggle-button.mod-active { font-weight: 600;
  outline: 2px solid currentColor; outline-offset: -2px; }
.simviz-course .jupyter-button:focus-visible, .simviz-course summary:focus-visible,
.simviz-course input:focus-visible,
.simviz-course textarea:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
</style>"""

_STATUS = """
let cards = 0;

// The groups of a card, which ipywidgets leaves without role and name: radio buttons are one group, for the arrow keys
// too, and a button that is held says so.
function name(card, words) {
  const id = cards++;
  const dress = () => {
    card.querySelectorAll(".widget-radio-box, .widget-toggle-buttons").forEach((group, i) => {
      group.setAttribute("role", group.matches(".widget-radio-box") ? "radiogroup" : "group");
      group.setAttribute("aria-label", words[i] || "");
      group.querySelectorAll("input").forEach(input => {
        input.name = `simviz-${id}-${i}`;
        input.dataset.lmSuppressShortcuts = "true";  // else JupyterLab takes the arrow keys
      });
      group.querySelectorAll("button").forEach(
        button => button.setAttribute("aria-pressed", button.classList.contains("mod-active")));
    });
  };
  const watch = new MutationObserver(dress);
  watch.observe(card, { subtree: true, childList: true, attributeFilter: ["class"] });
  dress();
  return () => watch.disconnect();
}

function render({ model, el }) {
  el.setAttribute("role", "status");
  el.tabIndex = -1;
  const show = () => { el.innerHTML = model.get("value"); };
  const stay = () => {  // a button that is done loses the focus: keys go on from the answer
    const there = document.activeElement, card = el.closest(".simviz-course");
    if (!there || there === document.body || (there.disabled && card && card.contains(there))) el.focus();
  };
  model.on("change:value", () => { show(); setTimeout(stay, 30); });
  show();
  let end = () => {};
  const wait = tries => {
    const card = el.closest(".simviz-course");
    if (card && model.get("names").length) end = name(card, model.get("names"));
    else if (!card && tries) timer = setTimeout(wait, 50, tries - 1);
  };
  let timer = setTimeout(wait, 0, 100);
  return () => { clearTimeout(timer); end(); };
}
export default { render };
"""


class Said(anywidget.AnyWidget):
    """A region whose words are read out when they change; it stays the same element of the page throughout.

    names: what the groups of buttons in its card are called, from the top.
    """

    _esm = _STATUS
    value = traitlets.Unicode("").tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)


def button(label: str, pressed: Any, *, disabled: bool = False) -> ipywidgets.Button:
    """Return a button as wide as its label; pressed(): what it does."""
    made = ipywidgets.Button(description=label, disabled=disabled, layout=ipywidgets.Layout(width="auto"))
    made.on_click(lambda _: pressed())
    return made


def framed(children: list[ipywidgets.Widget]) -> ipywidgets.VBox:
    """Return the card itself."""
    box = ipywidgets.VBox([ipywidgets.HTML(STYLE, layout=ipywidgets.Layout(display="none")), *children])
    box.add_class("simviz-course")
    return box


def bundle(box: ipywidgets.Widget, text: str, html: str) -> dict[str, Any]:
    """Return what a notebook shows of a card: the widget, and for pages without a kernel the HTML."""
    found = box._repr_mimebundle_() or {}
    return {**found, "text/plain": text, "text/html": html}
