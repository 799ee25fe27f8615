"""What is kept of a reader: one file, never half written, never lost, erased on request."""

import json
import os
import pathlib

import pytest

from simviz import course
from simviz.course.journal import FIELDS, JOURNAL, Journal


def items(place):
    return {item["id"]: item for item in json.loads(place.read_text())["items"]}


def test_a_record_has_the_fields_that_were_promised(place):
    course.exercise("01b").check(lambda J: 0.5)
    assert tuple(items(place)["01b"]) == FIELDS
    assert FIELDS == (
        "id", "kind", "version", "first_choice", "sure", "right", "attempts", "messages", "hints", "solution_opened",
        "seconds", "digest", "words",
    )  # fmt: skip


def test_progress_shows_everything_that_is_kept_and_where(place):
    course.predict("00.ray").commit("eighth", True)
    course.exercise("01b").check(lambda J: J.norm())
    table = course.progress()
    assert table.column("id") == ["00.ray", "01b"]
    assert table.column("messages") == ["", "01b.other"]
    assert str(place) in table.caption
    assert "nothing is sent" in repr(table)
    assert "<td>eighth</td>" in table._repr_html_()
    for item in items(place).values():
        for value in item.values():
            assert isinstance(value, (type(None), bool, list)) or str(value) in repr(table)


def test_nothing_is_written_before_there_is_something_to_keep(place):
    assert "Nothing yet" in repr(course.progress())
    course.exercise("01b").check(None)
    course.predict("00.ray")._repr_mimebundle_()
    assert not place.exists()


def test_without_a_name_progress_is_kept_in_memory_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("SIMVIZ_PROGRESS", "")
    monkeypatch.chdir(tmp_path)
    course.predict("00.ray").commit("eighth", True)
    assert course.predict("00.ray").committed == ("eighth", True)
    assert "in memory" in course.progress().caption
    assert not list(tmp_path.iterdir())


def test_without_the_variable_the_file_lies_in_the_current_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SIMVIZ_PROGRESS")
    monkeypatch.chdir(tmp_path)
    course.predict("00.ray").commit("eighth", True)
    assert [path.name for path in tmp_path.iterdir()] == ["simviz-progress.json"]


@pytest.mark.parametrize(
    "broken", [b"{", b"\xff\xfe", b"[]", b'{"format": "simviz progress", "items": [{"id": "x", "hints": "two"}]}']
)
def test_a_broken_file_is_set_aside_whole_and_the_work_goes_on(place, broken):
    course.predict("00.ray").commit("eighth", True)
    place.write_bytes(broken)
    course.predict("01.pair").commit("circles", False)
    aside = place.with_name(place.name + ".broken")
    assert aside.read_bytes() == broken
    assert set(items(place)) == {"00.ray", "01.pair"}
    assert f"now lies beside it as {aside.name}" in course.progress().caption
    place.write_bytes(b"again")
    assert len(course.progress()) == 2
    assert place.with_name(place.name + ".broken2").read_bytes() == b"again"


def test_a_file_that_cannot_be_written_keeps_the_work_in_memory(place, monkeypatch):
    course.predict("00.ray").commit("eighth", True)
    text = place.read_text()
    real = pathlib.Path.replace

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "replace", full)
    card = course.predict("01.pair").card
    card.choice.value, card.sureness.value = "circles", "sure"
    card.commit.click()
    assert "kept in memory until this kernel ends" in card.note.value
    assert place.read_text() == text
    assert len(course.progress()) == 2
    assert "No space left" in course.progress().caption
    assert [path.name for path in place.parent.iterdir()] == [place.name]  # no draft is left behind
    monkeypatch.setattr(pathlib.Path, "replace", real)
    course.predict("05.bars").commit("moving", True)
    assert set(items(place)) == {"00.ray", "01.pair", "05.bars"}
    assert JOURNAL.trouble == ""


def test_a_folder_in_the_files_place_loses_nothing(place):
    place.mkdir()
    course.predict("00.ray").commit("eighth", True)
    assert course.predict("00.ray").committed == ("eighth", True)
    assert "kept in memory" in course.progress().caption
    assert place.is_dir()
    place.rmdir()


def test_a_file_that_cannot_be_set_aside_is_not_overwritten(place, monkeypatch):
    place.write_bytes(b"{")

    def refused(self, target):
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "rename", refused)
    course.predict("00.ray").commit("eighth", True)
    assert place.read_bytes() == b"{"
    assert "cannot be set aside" in course.progress().caption
    assert len(course.progress()) == 1


def test_a_kill_in_the_middle_of_writing_leaves_the_old_file(place, monkeypatch):
    course.predict("00.ray").commit("eighth", True)
    text = place.read_text()

    def killed(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        course.predict("01.pair").commit("circles", True)
    assert place.read_text() == text


def test_two_kernels_share_one_file(place):
    one, other = Journal(), Journal()
    one.change("00.ray", kind="predict", first_choice="eighth")
    other.change("01b", kind="exercise", attempts=1)
    one.change("01a", kind="exercise", attempts=2)
    assert set(items(place)) == {"00.ray", "01b", "01a"}
    assert other.record("01a")["attempts"] == 2


def test_what_a_later_version_wrote_is_kept(place):
    later = {"id": "00.ray", "kind": "predict", "first_choice": "eighth", "sure": True, "mood": "curious"}
    place.write_text(json.dumps({"format": "simviz progress", "version": 1, "course": "long", "items": [later]}))
    course.exercise("01b").hint()
    assert items(place)["00.ray"] == later
    assert json.loads(place.read_text())["course"] == "long"
    assert course.progress().column("mood") == ["curious", ""]
    assert not list(place.parent.glob("*.broken*"))


@pytest.mark.parametrize("erase", [lambda: course.forget(), lambda: course.progress().forget()])
def test_forget_erases_the_file_and_what_was_set_aside(place, erase):
    course.predict("00.ray").commit("eighth", True)
    place.with_name(place.name + ".broken").write_text("{")
    erase()
    assert not list(place.parent.iterdir())
    assert len(course.progress()) == 0
    assert course.predict("00.ray").committed is None
