"""What does a saved notebook show where no kernel and no widget is? A picture with its words, not a dead widget."""

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from simviz import live

CELLS = (
    "from simviz import live\nlive.SolverPanel(modulus=0.9)",
    "from simviz import course\ncourse.predict('00.ray')",
)


def test_a_panel_shows_itself_as_a_widget_and_beside_it_as_a_picture_with_its_words():
    panel = live.SolverPanel(modulus=0.9)
    data, _ = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == panel.spec().alt
    assert "radius 0.90" in data["text/html"]
    assert len(data["text/html"]) < 35_000  # beside the hundred thousand bytes that a first figure may have


@pytest.fixture(scope="module")
def saved():
    """A notebook as JupyterLab saves it by default: with outputs, without the widgets' state."""
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    client = NotebookClient(nbformat.v4.new_notebook(cells=cells), kernel_name="python3", store_widget_state=False)
    return client.execute()


@pytest.mark.slow
def test_a_viewer_without_widgets_shows_the_picture_and_the_question(saved):
    for template in ("lab", "classic"):
        page, _ = HTMLExporter(template_name=template).from_notebook_node(saved)
        shown = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.S)
        assert re.search(r'<img alt="[^"]{60,}" src="data:image/svg', shown), template
        assert "radius 0.90: Picard" in shown  # the state
        assert "<strong>Predict.</strong>" in shown, template
        assert "Loading widget" not in shown
        assert "widget-view" not in shown
        assert "SolverPanel" not in re.sub(r'<div class="[^"]*highlight.*?</div>', "", shown, flags=re.S), template
