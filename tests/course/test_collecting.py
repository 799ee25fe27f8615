"""A class in one table: what its readers' files hold, and a sentence for each file that cannot be read."""

import csv
import json

import pytest

from simviz import course
from simviz.course.journal import JOURNAL


def reader(monkeypatch, path, *acts):
    """A reader's file, written by the course itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("SIMVIZ_PROGRESS", str(path))
    for act in acts:
        act()
    assert JOURNAL.trouble == ""


def votes(choice, sure):
    return lambda: course.predict("01.pair").commit(choice, sure)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "class"
    exercise = course.exercise("01b")
    reader(monkeypatch, place / "ada.json", votes("circles", True), lambda: exercise.check(lambda J: J.norm()))
    reader(monkeypatch, place / "emmy" / "simviz-progress.json", votes("infinity", True))
    reader(monkeypatch, place / "sofya.json", votes("infinity", True), lambda: exercise.check(exercise.right))
    monkeypatch.setenv("SIMVIZ_PROGRESS", "")
    return place


def test_a_row_is_a_reader_and_an_item_and_the_reader_is_called_as_the_file(folder):
    table = course.collect(folder)
    pairs = list(zip(table.column("reader"), table.column("id"), table.column("first_choice"), strict=True))
    assert sorted(pairs) == [
        ("ada", "01.pair", "circles"), ("ada", "01b", ""), ("emmy", "01.pair", "infinity"),
        ("sofya", "01.pair", "infinity"), ("sofya", "01b", ""),
    ]  # fmt: skip
    assert table.trouble == ()
    assert table.caption == "5 records of 3 readers; 0 of 3 files gave none."


def test_votes_and_attempts_count_by_item(folder):
    table = course.collect(folder)
    assert table.votes().rows == (("01.pair", 3, pytest.approx(1 / 3), 2, "circles 1, infinity 2"),)
    ((item, readers, passed, attempts, told, opened),) = table.attempts().rows
    assert (item, readers, passed, attempts, opened) == ("01b", 2, 0.5, 1, 0.0)
    assert told == 0.0  # the Frobenius norm is no listed mistake


def test_a_listed_mistake_counts_as_told(tmp_path, monkeypatch):
    exercise = course.exercise("01b")
    mistake = exercise.wrong[0].function
    reader(monkeypatch, tmp_path / "c" / "one.json", lambda: exercise.check(mistake))
    assert course.collect(tmp_path / "c").attempts().column("told") == [1.0]


BROKEN = {
    "half.json": b'{"format": "simviz progress", "ite',
    "other.json": b'{"format": "shopping list", "items": []}',
    "binary.json": b"\xff\xfe\x00",
    "deep.json": b"[" * 100_000,
    "odd.json": json.dumps({"format": "simviz progress", "items": [{"id": "01.pair", "attempts": "many"}]}).encode(),
}


def test_each_broken_file_gets_a_sentence_and_the_others_are_read(folder):
    for name, content in BROKEN.items():
        (folder / name).write_bytes(content)
    (folder / "empty.json").write_text('{"format": "simviz progress", "version": 1, "items": []}')
    table = course.collect(folder)
    assert len(table) == 5
    assert [words.split()[0] for words in table.trouble] == sorted([*BROKEN, "empty.json"])
    assert sum("left out" in words for words in table.trouble) == len(BROKEN)
    assert "6 of 9 files gave none" in table.caption
    assert "half.json is left out" in table._repr_html_()


def test_the_csv_holds_what_the_table_holds_and_no_formula(folder):
    content = json.loads((folder / "ada.json").read_text())
    content["items"][1]["words"] = '=HYPERLINK("http://x")'
    (folder / "ada.json").write_text(json.dumps(content))
    table = course.collect(folder)
    with table.to_csv(folder / "all.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["reader"] for row in rows] == table.column("reader")
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert any(row["words"] == '\'=HYPERLINK("http://x")' for row in rows)


def test_records_of_an_older_or_newer_course_do_not_stop_the_counting(folder):
    items = [
        {"id": "01.pair", "kind": "predict", "mood": {"good": 1}},
        {"id": "01b", "kind": "exercise", "right": True},
    ]
    (folder / "later.json").write_text(json.dumps({"format": "simviz progress", "items": items}))
    table = course.collect(folder)
    assert table.votes().column("readers") == [4]
    assert table.attempts().column("readers") == [3]
    assert table.attempts().column("attempts to pass") == [1]
    assert "mood" in table.columns


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="progress files"):
        course.collect(tmp_path / "nowhere")
    assert len(course.collect(tmp_path)) == 0
