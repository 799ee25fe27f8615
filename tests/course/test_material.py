"""A copy of the course: whole, or its short path, and never at the cost of a file that was there."""

import json
import pathlib
import shutil

import nbformat
import pytest

from simviz.course import material

ORIGIN = pathlib.Path(__file__).parents[2] / "notebooks"
CHAPTERS = sorted(path.name for path in ORIGIN.glob("*.ipynb"))


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_full_course_is_copied_byte_for_byte_with_every_picture_it_shows(tmp_path):
    made = material.lay_out(tmp_path / "deep" / "course")
    copied = content(tmp_path / "deep" / "course")
    assert copied == {name: (ORIGIN / name).read_bytes() for name in copied}
    assert set(CHAPTERS) < set(copied)
    assert sorted(copied) == sorted(made.written)
    shown = {word.split(")")[0] for data in copied.values() for word in data.decode("latin1").split("](stills/")[1:]}
    assert len(shown) >= 10
    assert {f"stills/{name}" for name in shown} <= set(copied)


def test_the_short_path_is_the_cells_tagged_short_and_is_a_notebook(tmp_path):
    material.lay_out(tmp_path, "short")
    for name in CHAPTERS:
        whole, short = nbformat.read(ORIGIN / name, 4), nbformat.read(tmp_path / name, 4)
        nbformat.validate(short)
        tagged = [cell.source for cell in whole.cells if "short" in cell.metadata.get("tags", [])]
        assert [cell.source for cell in short.cells] == tagged
        assert short.metadata.kernelspec == whole.metadata.kernelspec
    full = sum(len(nbformat.read(ORIGIN / name, 4).cells) for name in CHAPTERS)
    assert sum(len(nbformat.read(tmp_path / name, 4).cells) for name in CHAPTERS) < 0.8 * full


def test_what_a_learner_has_is_kept_and_what_is_missing_comes_again(tmp_path):
    material.lay_out(tmp_path)
    mine = nbformat.read(tmp_path / CHAPTERS[3], 4)
    mine.cells[1].source = "my = 'answer'"
    nbformat.write(mine, tmp_path / CHAPTERS[3])
    (tmp_path / CHAPTERS[4]).write_text("not even a notebook any more")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / CHAPTERS[5]).unlink()
    before = content(tmp_path)

    made = material.lay_out(tmp_path)
    after = content(tmp_path)
    assert made.written == (CHAPTERS[5],)
    assert {name: after[name] for name in before} == before
    assert after[CHAPTERS[5]] == (ORIGIN / CHAPTERS[5]).read_bytes()
    assert "files written, 1; " in str(made)
    assert "nothing was written" in str(material.lay_out(tmp_path))
    assert content(tmp_path) == after


@pytest.mark.parametrize(("first", "then"), [("full", "short"), ("short", "full")])
def test_a_folder_of_the_other_path_is_refused_and_stays_as_it_is(tmp_path, first, then):
    material.lay_out(tmp_path, first)
    before = content(tmp_path)
    with pytest.raises(ValueError, match=f"holds chapters of the {first} path; choose another folder"):
        material.lay_out(tmp_path, then)
    assert content(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError, match="file cannot be written"):
        material.lay_out(tmp_path / "file")
    with pytest.raises(ValueError, match="cannot be written"):
        material.lay_out(tmp_path / "file" / "below")

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(ValueError, match="No space left on device"):
        material.lay_out(tmp_path / "new")
    assert content(tmp_path / "new") == {}  # nothing half written


def test_an_unknown_path_is_named():
    with pytest.raises(ValueError, match="path must be one of 'full', 'short', got 'middle'"):
        material.lay_out("anywhere", "middle")


def test_a_file_that_comes_to_be_there_meanwhile_is_kept(tmp_path, monkeypatch):
    write = pathlib.Path.write_bytes

    def raced(self, data):
        if self.name == f".{CHAPTERS[2]}.unfinished":
            write(tmp_path / CHAPTERS[2], b"a learner was quicker")
        return write(self, data)

    monkeypatch.setattr(pathlib.Path, "write_bytes", raced)
    made = material.lay_out(tmp_path)
    assert (tmp_path / CHAPTERS[2]).read_bytes() == b"a learner was quicker"
    assert CHAPTERS[2] in made.kept
    assert not list(tmp_path.glob(".*"))


def test_an_installed_package_finds_its_own_chapters(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "simviz" / "course"
    package.mkdir(parents=True)
    shutil.copy(material.__file__, package)
    monkeypatch.setattr(material, "__file__", str(package / "material.py"))
    with pytest.raises(FileNotFoundError, match="lacks its chapters"):
        material.source()
    shutil.copytree(ORIGIN, package / "notebooks")
    assert material.source() == package / "notebooks"
    assert json.loads((material.source() / CHAPTERS[0]).read_text())["cells"]
