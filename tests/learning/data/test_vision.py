"""MNIST, CIFAR-10 and SVHN from small files in their own formats, written here, read back pixel by pixel."""

import gzip
import hashlib
import pickle
import struct
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
import scipy.io
import torch

from simviz.learning.data import cifar10, mnist, svhn

RANDOM = np.random.default_rng(0)
COUNTS = {"train": 200, "test": 30}
LABELS = {part: RANDOM.permutation(np.arange(count) % 10) for part, count in COUNTS.items()}
GREY = {part: RANDOM.integers(0, 256, (count, 28, 28), dtype=np.uint8) for part, count in COUNTS.items()}
COLOUR = {  # (samples, 3, 32, 32), each channel with a brightness of its own
    part: (RANDOM.integers(0, 256, (count, 3, 32, 32)) // np.array([1, 2, 4])[:, None, None]).astype(np.uint8)
    for part, count in COUNTS.items()
}


def md5(path):
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def idx(array):
    """The idx format: two zeros, 8 for unsigned bytes, the number of axes, their lengths (big endian), the data."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(root, datasets, monkeypatch, packed=False):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    resources = []
    for part, name in (("train", "train"), ("test", "t10k")):
        for kind, array in (("images-idx3", GREY[part]), ("labels-idx1", LABELS[part])):
            path = raw / f"{name}-{kind}-ubyte"
            if packed:
                path = path.with_name(path.name + ".gz")
            path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
            resources.append((path.name if packed else path.name + ".gz", md5(path) if packed else "not asked for"))
    monkeypatch.setattr(datasets.MNIST, "resources", resources)


def write_cifar10(root, datasets, monkeypatch):
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        return md5(folder / name)

    rows = np.split(COLOUR["train"].reshape(-1, 3072), 5), np.split(LABELS["train"], 5)
    batches = [
        [f"data_batch_{i + 1}", write(f"data_batch_{i + 1}", {"data": x, "labels": y.tolist()})]
        for i, (x, y) in enumerate(zip(*rows, strict=True))
    ]
    last = write("test_batch", {"data": COLOUR["test"].reshape(-1, 3072), "labels": LABELS["test"].tolist()})
    names = write("batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(datasets.CIFAR10, "train_list", batches)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", last]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", datasets.CIFAR10.meta | {"md5": names})


def write_svhn(root, datasets, monkeypatch):
    root.mkdir(parents=True, exist_ok=True)
    listed = {}
    for part in COUNTS:
        path = root / f"{part}_32x32.mat"
        y = np.where(LABELS[part] == 0, 10, LABELS[part])[:, None]  # the files call the digit 0 ten
        scipy.io.savemat(path, {"X": COLOUR[part].transpose(2, 3, 1, 0), "y": y.astype(np.uint8)})
        listed[part] = [f"http://localhost/{path.name}", path.name, md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)


SETS = {
    "mnist": (mnist, write_mnist, {part: x[:, None] for part, x in GREY.items()}),
    "cifar10": (cifar10, write_cifar10, COLOUR),
    "svhn": (svhn, write_svhn, COLOUR),
}


@pytest.fixture(params=SETS)
def known(request, datasets, tmp_path, monkeypatch):
    """A function that reads the small files, and the pixels that are in them, by part."""
    read, write, pixels = SETS[request.param]
    write(tmp_path, datasets, monkeypatch)
    return lambda **options: read(tmp_path, **options), pixels


def raw(task, part):
    """Rows (pixels and label) of a part in the files' units, the normalisation undone."""
    mean, std = task.normalisation
    x, y = part
    pixels = ((x.double() * std + mean) * 255).round().flatten(1)
    return sorted(map(tuple, torch.cat([pixels, y[:, None]], 1).int().tolist()))


def written(pixels, part):
    return sorted(map(tuple, np.c_[pixels[part].reshape(COUNTS[part], -1), LABELS[part]].tolist()))


def test_every_pixel_and_label_of_the_files_is_in_its_part(known):
    read, pixels = known
    task = read()
    assert raw(task, task.test) == written(pixels, "test")
    assert sorted(raw(task, task.train) + raw(task, task.validation)) == written(pixels, "train")
    assert task.train[0].shape[1:] == pixels["train"].shape[1:]


def test_ten_per_cent_of_every_class_are_kept_to_choose_by(known):
    task = known[0]()
    assert torch.bincount(task.validation[1]).tolist() == [2] * 10
    assert torch.bincount(task.train[1]).tolist() == [18] * 10
    assert known[0](validation=0.0).validation is None


def test_every_channel_of_the_training_part_alone_has_mean_zero_and_deviation_one(known):
    task = known[0]()
    std, mean = torch.std_mean(task.train[0].double(), (0, 2, 3), correction=0)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-6, rtol=0)
    torch.testing.assert_close(std, torch.ones_like(std), atol=1e-6, rtol=0)
    assert (task.validation[0].mean((0, 2, 3)).abs() > 1e-4).all()


def test_the_seed_decides_what_is_kept(known):
    a, b, c = (known[0](seed=seed).validation[0] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_the_packed_files_of_mnist_are_unpacked_and_nothing_is_fetched(datasets, tmp_path, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("asked the network"))
    write_mnist(tmp_path, datasets, monkeypatch, packed=True)
    task = mnist(tmp_path, download=True)
    assert raw(task, task.test) == written({"test": GREY["test"]}, "test")


ABSENT = {
    "mnist": r"MNIST is not in .*, or damaged: mnist\(download=True\) fetches it, or put .*train-images-idx3-ubyte",
    "cifar10": r"CIFAR-10 is not in .*: cifar10\(download=True\) fetches it, or put .*cifar-10-batches-py",
    "svhn": r"SVHN is not in .*: svhn\(download=True\) fetches it, or put .*train_32x32.mat",
}


@pytest.mark.parametrize("name", SETS)
def test_files_that_are_not_there_are_missed_in_a_sentence_and_not_fetched(name, datasets, monkeypatch):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **k: pytest.fail("asked the network"))
    with pytest.raises(ValueError, match=ABSENT[name]):
        SETS[name][0]()


@pytest.mark.parametrize("name", SETS)
def test_without_a_network_a_download_ends_in_a_sentence(name, datasets, tmp_path, monkeypatch):
    def unreachable(*arguments, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    with pytest.raises(ValueError, match=r"could not be fetched into .* no route to host.*: see to the network"):
        SETS[name][0](tmp_path, download=True)


@pytest.mark.parametrize("name", ["cifar10", "svhn"])
def test_a_file_with_another_checksum_is_not_read(name, datasets, tmp_path, monkeypatch):
    read, write, _ = SETS[name]
    write(tmp_path, datasets, monkeypatch)
    path = next(p for p in sorted(tmp_path.rglob("*")) if p.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match=r"is not in .*, or damaged"):
        read(tmp_path)


def test_an_mnist_file_cut_short_is_called_damaged(datasets, tmp_path, monkeypatch):
    write_mnist(tmp_path, datasets, monkeypatch)
    path = tmp_path / "MNIST/raw/train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"MNIST in .* is damaged .*: delete it, then"):
        mnist(tmp_path)


def test_without_torchvision_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ValueError, match=r'torchvision is not installed, .*: pip install "simviz\[vision\]"'):
        mnist()


def test_a_torchvision_of_another_build_is_told_from_a_missing_one(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision/__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"cannot be imported beside torch .*nms does not exist\): install"):
        svhn()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 1.0}, "validation must be finite and lie in"),
        ({"validation": -0.1}, "validation must be finite and lie in"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"download": "yes"}, "download must be True or False"),
        ({"root": 3}, "root must be a folder's path, got int"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        cifar10(**options)
