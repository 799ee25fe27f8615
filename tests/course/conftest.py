"""What the tests of the course share: a file of progress of their own."""

import pytest

from simviz.course.journal import JOURNAL


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Where progress is kept during a test; the journal starts anew with it."""
    path = tmp_path / "simviz-progress.json"
    monkeypatch.setenv("SIMVIZ_PROGRESS", str(path))
    monkeypatch.delenv("SIMVIZ_STILLS", raising=False)
    yield path
    JOURNAL.forget()
