"""Your own files: a table or arrays become the task that their numbers say, or a sentence names the fault's place."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from simviz.learning.data import from_file

TABLE = "height,width,kind\n" + "".join(f"{i},{i * i / 10},{i % 2}\n" for i in range(20))


@pytest.fixture
def write(tmp_path):
    def written(content, name="table.csv", **options):
        (tmp_path / name).write_text(content, encoding="utf-8", **options)
        return tmp_path / name

    return written


def raw(task):
    """All rows of x and y in the file's own units."""
    parts = [part for part in (task.train, task.validation, task.test) if part]
    x, y = (torch.cat(tensors).double() for tensors in zip(*parts, strict=True))
    mean, std = task.normalisation or (0, 1)
    rows = torch.cat([(x * std + mean).flatten(1), y.reshape(len(y), -1)], 1)
    return rows[rows[:, 0].argsort()]


EXPECTED = torch.tensor([[i, i * i / 10, i % 2] for i in range(20)], dtype=torch.float64)


@pytest.mark.parametrize(
    "content",
    [
        TABLE,
        TABLE.split("\n", 1)[1],
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace("\n", "\r\n"),
        "﻿" + TABLE,
        TABLE.replace(",", " , "),
        TABLE.replace("\n", "\n\n"),
        TABLE.replace("height", '"height, in m"'),
    ],
    ids=["header", "none", "semicolon", "tab", "windows", "byte order mark", "blanks", "blank lines", "quoted"],
)
def test_a_table_is_read_with_or_without_header_and_with_any_of_three_delimiters(content, write):
    task = from_file(write(content))
    assert task.number_of_classes == 2
    torch.testing.assert_close(raw(task), EXPECTED, atol=1e-5, rtol=1e-5)


def test_the_iris_flowers_come_through_a_file_as_scikit_learn_has_them(write):
    bunch = load_iris()
    lines = [",".join([*map(str, x), str(y)]) for x, y in zip(bunch.data.tolist(), bunch.target.tolist(), strict=True)]
    task = from_file(write("\n".join(lines)), validation=0.1)
    assert [len(part[1]) for part in (task.train, task.validation, task.test)] == [105, 15, 30]
    known = np.c_[bunch.data, bunch.target].round(1).tolist()
    assert sorted(raw(task).numpy().round(1).tolist()) == sorted(known)


@pytest.mark.parametrize("target", ["width", 1])
def test_the_target_is_named_or_numbered(target, write):
    task = from_file(write(TABLE), target=target)
    assert task.goal == "rmse"
    torch.testing.assert_close(raw(task), EXPECTED[:, [0, 2, 1]], atol=1e-5, rtol=1e-5)


def test_the_mark_that_windows_puts_first_is_no_part_of_the_first_name(write):
    assert from_file(write("\ufeff" + TABLE), target="height", labels=False).goal == "rmse"


def test_whole_numbers_can_be_measured_instead_of_told_apart(write):
    path = write(TABLE)
    assert from_file(path, target="kind").goal == "accuracy"
    assert from_file(path, target="height", labels=False).goal == "rmse"
    with pytest.raises(ValueError, match=r"no sample can be spared .* where y is a quantity, give real numbers"):
        from_file(path, target="height")
    floats = write(TABLE.replace(",0\n", ",0.0\n").replace(",1\n", ",1.0\n"), "floats.csv")
    assert from_file(floats).goal == "rmse"
    assert from_file(floats, labels=True).goal == "accuracy"


def test_columns_are_normalised_by_the_training_part_and_a_constant_one_is_left_alone(write):
    content = "".join(f"{i},7,{1000 + i},{i / 3}\n" for i in range(30))
    task = from_file(write(content))
    x = task.train[0]
    assert (x[:, 1] == 7).all()
    assert (task.test[0][:, 1] == 7).all()
    torch.testing.assert_close(x[:, [0, 2]].mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(x[:, [0, 2]].std(0, correction=0), torch.ones(2), atol=1e-5, rtol=0)
    plain = from_file(write(content), normalise=False)
    assert plain.normalisation is None
    torch.testing.assert_close(task.prepare(plain.test[0]), task.test[0], atol=1e-4, rtol=0)


def test_images_of_an_npz_are_normalised_channel_by_channel(tmp_path):
    images = np.random.default_rng(0).normal([[[[1]], [[5]]]], [[[[1]], [[9]]]], (40, 2, 6, 6))
    np.savez(tmp_path / "images.npz", x=images, y=np.arange(40) % 4)
    task = from_file(tmp_path / "images.npz")
    std, mean = torch.std_mean(task.train[0], (0, 2, 3), correction=0)
    torch.testing.assert_close(torch.stack([mean, std]), torch.tensor([[0.0, 0.0], [1.0, 1.0]]), atol=1e-5, rtol=0)
    assert task.number_of_classes == 4
    assert from_file(tmp_path / "images.npz", labels=False).goal == "rmse"


def test_one_array_of_three_axes_is_trajectories(tmp_path):
    data = np.random.default_rng(0).normal(size=(10, 20, 2)).astype(np.float32)
    np.savez(tmp_path / "orbits.npz", whatever=data)
    task = from_file(tmp_path / "orbits.npz", held_out=0.3)
    assert task.goal == "orbit error"
    together = torch.cat([task.train[0], task.test[0]])
    assert sorted(together[:, 0, 0].tolist()) == sorted(data[:, 0, 0].tolist())


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (TABLE.replace("\n3,", "\nthree,"), {}, "line 5, column 'height' holds the text 'three'"),
        (TABLE.replace("9,8.1,1", "9,8.1,blue"), {}, "line 11, column 'kind' holds the text 'blue': .* count classes"),
        (TABLE.replace("\n3,", "\n,"), {}, "line 5, column 'height' is empty"),
        (TABLE.replace("\n3,", "\nnan,"), {}, "line 5, column 'height' holds nan"),
        (TABLE.replace("\n3,", "\n-inf,"), {}, "line 5, column 'height' holds -inf"),
        (TABLE.replace("\n3,", "\n1_000,"), {}, "holds the text '1_000'"),
        (TABLE.split("\n", 1)[1].replace("3,0.9", "3,x"), {}, "line 4, column '1' holds the text 'x'"),
        (TABLE.replace("\n3,", "\n3,3,"), {}, "line 5 of table.csv has 4 cells, the first row 3"),
        ("", {}, "table.csv is empty"),
        ("\n \n", {}, "table.csv is empty"),
        ("a,b\n", {}, "a row of names and no row of numbers"),
        ("1\n2\n3\n", {}, "table.csv has one column alone"),
        ("a,b\n1,2\n", {}, "held_out is 0.2 and no sample can be spared for it"),
        (TABLE, {"target": "depth"}, "target must name one column, got 'depth'; the columns are 'height', 'width'"),
        (TABLE.split("\n", 1)[1], {"target": "kind"}, "target must name one column, got 'kind'; the table names none"),
        (TABLE.replace("width", "height"), {"target": "height"}, "target must name one column, got 'height'"),
        (TABLE, {"target": 3}, "target must be below 3"),
        (TABLE, {"target": -1}, "target must be at least 0"),
        (TABLE, {"target": 0.5}, "target must be a whole number"),
        (TABLE.replace(",0\n", ",-1\n"), {}, "y holds labels and must be .* smallest -1; for regression give real"),
        (TABLE, {"target": "width", "labels": True}, "labels=True needs whole numbers"),
        (TABLE, {"labels": "yes"}, "labels must be None, True or False"),
        (TABLE, {"held_out": 0.5, "validation": 0.5}, "their sum must be below 1, got 0.5 \\+ 0.5"),
        (TABLE, {"seed": -1}, "seed must be at least 0"),
    ],
)
def test_a_table_that_makes_no_task_is_refused_with_the_place_of_the_fault(content, options, words, write):
    with pytest.raises(ValueError, match=words):
        from_file(write(content), **options)


class Trap:
    """A pickle of it would raise in this process."""

    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        (
            {"x": np.ones((4, 2))},
            {},
            r"must hold the arrays x and y, or one array \(.*\), has x \(4, 2\)",
        ),
        ({"a": np.ones((4, 9, 2)), "b": np.ones(3)}, {}, r"has a \(4, 9, 2\), b \(3,\)"),
        ({}, {}, "has nothing"),
        ({"x": np.ones((4, 2)), "y": np.array(["a"] * 4)}, {}, "y must hold labels or real numbers, .* <U1"),
        ({"x": np.array(["a"] * 4), "y": np.arange(4)}, {}, "x must be a tensor or an array of numbers"),
        ({"x": np.full((4, 2), np.nan), "y": np.arange(4)}, {}, "x holds 8 values that are NaN"),
        ({"x": np.array([Trap()] * 4), "y": np.arange(4)}, {}, "holds Python objects"),
        ({"x": np.ones((4, 2)), "y": np.arange(4)}, {"target": "y"}, "target is for the columns of a table"),
        ({"z": np.ones((10, 20, 2))}, {"validation": 0.1}, "validation must be 0 for trajectories"),
        ({"z": np.ones((1, 20, 2))}, {}, "trajectories must hold at least 2 orbits"),
    ],
)
def test_arrays_that_make_no_task_are_refused(arrays, options, words, tmp_path):
    np.savez(tmp_path / "arrays.npz", **arrays)
    with pytest.raises(ValueError, match=words):
        from_file(tmp_path / "arrays.npz", **options)


def test_files_of_another_kind_are_refused(tmp_path, write):
    (tmp_path / "trap.npz").write_bytes(pickle.dumps(Trap()))
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    np.savez(tmp_path / "whole.npz", x=np.ones((50, 2)), y=np.arange(50))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:400])
    np.save(tmp_path / "one.npy", np.ones(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    for name, words in [
        ("trap.npz", "Python objects|no NPZ file"),
        ("binary.csv", "is no table of text"),
        ("cut.npz", "is no NPZ file, or damaged"),
        ("one.npz", "is no NPZ file, or damaged"),
        ("absent.csv", "path: there is no file"),
    ]:
        with pytest.raises(ValueError, match=words):
            from_file(tmp_path / name)
    with pytest.raises(ValueError, match=r"path must end in .csv, .tsv, .txt or .npz, got table.xlsx"):
        from_file(write(TABLE, "table.xlsx"))
    with pytest.raises(ValueError, match="path must be a file's path, got int"):
        from_file(3)
