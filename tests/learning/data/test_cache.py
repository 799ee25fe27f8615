"""What is kept in the cache folder: made once, whole or not at all, made anew where damaged, and never executed."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from simviz.learning.data import cache

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4), dtype=np.uint8)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMVIZ_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


class Maker:
    """Makes the pixels and counts how often it had to."""

    calls = 0

    def __call__(self):
        self.calls += 1
        return {"pixels": PIXELS}

    def read(self):
        return cache.arrays("thing", {"pixels": (5, 4)}, self)["pixels"]


def test_what_was_made_is_read_again_and_not_made_again(place):
    make = Maker()
    for _ in range(3):
        assert np.array_equal(make.read(), PIXELS)
    assert make.calls == 1
    assert [path.name for path in place.iterdir()] == ["thing.npz"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def flip(path):
    content = bytearray(path.read_bytes())
    content[80] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def other_shape(path):
    np.savez_compressed(path, pixels=PIXELS[:2])


def other_kind(path):
    np.savez_compressed(path, pixels=PIXELS.astype(float))


def other_name(path):
    np.savez_compressed(path, labels=PIXELS)


def folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [cut, flip, empty, other_shape, other_kind, other_name, folder])
def test_a_damaged_file_is_made_anew(place, damage):
    make = Maker()
    make.read()
    damage(place / "thing.npz")
    assert np.array_equal(make.read(), PIXELS)
    assert make.calls == 2


class Trap:
    def __reduce__(self):
        return os.mkdir, (os.environ["SIMVIZ_CACHE"] + "/executed",)


@pytest.mark.parametrize("write", [lambda p: p.write_bytes(pickle.dumps(Trap())), lambda p: np.savez(p, pixels=Trap())])
def test_a_pickle_in_its_place_is_not_executed(place, write):
    place.mkdir()
    write(place / "thing.npz")
    assert np.array_equal(Maker().read(), PIXELS)
    assert not (place / "executed").exists()


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SIMVIZ_CACHE", str(tmp_path / "file"))
    make = Maker()
    assert np.array_equal(make.read(), PIXELS)
    assert np.array_equal(make.read(), PIXELS)
    assert make.calls == 2


def test_a_writing_that_breaks_off_leaves_nothing_behind(place, monkeypatch):
    def full(*arguments, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert np.array_equal(Maker().read(), PIXELS)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/simviz"),
        ("linux", {}, "/home/me/.cache/simviz"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "/home/me/Library/Caches/simviz"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/simviz"),
        ("linux", {"SIMVIZ_CACHE": "~/own", "XDG_CACHE_HOME": "/x"}, "/home/me/own"),
    ],
)
def test_the_folder_is_where_the_platform_keeps_caches(platform, environment, expected, monkeypatch):
    for name in ("SIMVIZ_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", "USERPROFILE": "/home/me", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache.folder() == Path(expected)
