"""A saved model comes back the same; what is no saved model is refused in a sentence, and nothing is overwritten."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from simviz.learning import checkpoint
from simviz.learning.checkpoint import load_extra, load_model, save_model
from simviz.models import paper
from simviz.models.deq import DEQ, Tanh

X = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def all_models():
    torch.manual_seed(0)
    two = paper.image_classifier(2, 8, 1, bandwidth=4.5)
    two(X)  # in training mode, so that the batch norms' statistics are not those they start with
    return [
        paper.image_classifier(1, 8, 1),
        two,
        paper.plain_image_classifier(2, 8, 1),
        paper.image_deq(8, 1, units=16),
        paper.image_deq(8, 1, units=16).double(),
    ]


@pytest.mark.parametrize("model", all_models(), ids=lambda m: type(m).__name__)
def test_a_model_comes_back_bit_for_bit(model, tmp_path):
    place = save_model(model, tmp_path / "here" / "model", {"data": "digits", "accuracy": 0.5})
    again = load_model(place)
    x = X.to(next(model.parameters()).dtype)
    assert not again.training
    assert torch.equal(again(x), model.eval()(x))
    assert load_extra(place) == {"data": "digits", "accuracy": 0.5}
    assert sorted(p.name for p in place.iterdir()) == ["model.json", "weights.safetensors"]
    again.train()(x).sum().backward()
    assert all(p.requires_grad for p in again.parameters())


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    return save_model(DEQ(Tanh(64, 4), nn.Linear(4, 10)), tmp_path / "model")


def test_a_saved_model_is_replaced_and_nothing_is_left_beside_it(saved):
    torch.manual_seed(1)
    other = DEQ(Tanh(64, 5), nn.Linear(5, 10))
    save_model(other, saved)
    assert torch.equal(load_model(saved)(X), other(X))
    assert [p.name for p in saved.parent.iterdir()] == ["model"]


def test_without_the_systems_exchange_two_renames_do_the_same(saved, monkeypatch):
    monkeypatch.setattr(checkpoint, "_exchange", lambda one, other: False)
    test_a_saved_model_is_replaced_and_nothing_is_left_beside_it(saved)


def test_a_failure_while_writing_leaves_the_old_model(saved, monkeypatch):
    before = load_model(saved)(X)

    def full(path, content):
        path.write_bytes(content[:10])
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(OSError, match="no space left"):
        save_model(DEQ(Tanh(64, 5), nn.Linear(5, 10)), saved)
    assert torch.equal(load_model(saved)(X), before)
    assert [p.name for p in saved.parent.iterdir()] == ["model"]


def test_an_empty_folder_may_be_written_to(tmp_path):
    (tmp_path / "empty").mkdir()
    save_model(nn.Sequential(nn.Linear(2, 2)), tmp_path / "empty")
    assert load_model(tmp_path / "empty")(torch.ones(1, 2)).shape == (1, 2)


def test_a_place_that_holds_anything_else_is_never_overwritten(saved, tmp_path):
    model = nn.Sequential(nn.Linear(2, 2))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "model.json").write_text('{"mine": true}')
    (saved / "spectrum.html").write_text("mine")
    for name in ("file", "other", "json", "model"):
        with pytest.raises(ValueError, match=rf"folder .*{name}"):
            save_model(model, tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "json" / "model.json").read_text() == '{"mine": true}'
    assert (saved / "spectrum.html").read_text() == "mine"


def test_a_model_of_unknown_parts_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="Conv2d cannot be saved as data"):
        save_model(nn.Sequential(nn.Conv2d(1, 1, 3)), tmp_path / "model")
    with pytest.raises(ValueError, match="extra must hold JSON values alone"):
        save_model(nn.Sequential(nn.Linear(1, 1)), tmp_path / "model", {"x": torch.ones(1)})
    with pytest.raises(ValueError, match="extra must hold JSON values alone"):
        save_model(nn.Sequential(nn.Linear(1, 1)), tmp_path / "model", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def edit(folder, change):
    """Change model.json, and its checksum with it."""
    content = json.loads((folder / "model.json").read_text())
    content.pop("checksum")
    change(content)
    (folder / "model.json").write_bytes(checkpoint.sealed(content))


def flip(folder):
    data = bytearray((folder / "weights.safetensors").read_bytes())
    data[-3] ^= 4
    (folder / "weights.safetensors").write_bytes(data)


def truncate(folder, name):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def of_another_model(folder, change):
    """Consistent weights of another shape or with other names, as if the checksum had been made for them."""
    tensors = load_file(folder / "weights.safetensors")
    save_file(change(tensors), folder / "weights.safetensors")
    sha = checkpoint.hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    edit(folder, lambda c: c.update(sha256=sha))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: shutil.rmtree(f), "does not exist"),
        (lambda f: (f / "model.json").unlink(), "holds no saved model: model.json is missing"),
        (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors is missing"),
        (lambda f: truncate(f, "model.json"), "model.json is not JSON"),
        (lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), "model.json is not JSON"),
        (lambda f: (f / "model.json").write_text("[" * 100_000), "model.json is not JSON"),
        (lambda f: (f / "model.json").write_text("[1]"), "was not written by simviz"),
        (lambda f: edit(f, lambda c: c.update(version=99)), "format version 99, this simviz reads 1"),
        (
            lambda f: edit(f, lambda c: c["model"].update(type="os.system")),
            "cannot be built: unknown class 'os.system'",
        ),
        (lambda f: edit(f, lambda c: c["model"].update(speed=3)), "cannot be built: .* unexpected keyword"),
        (lambda f: edit(f, lambda c: c["model"].update(max_steps=0)), "cannot be built: max_steps must be at least 1"),
        (lambda f: edit(f, lambda c: c["model"]["cell"].update(units="4")), "cannot be built: units must be a whole"),
        (lambda f: edit(f, lambda c: c.update(model=7)), "describes no model"),
        (lambda f: edit(f, lambda c: c["model"]["cell"].update(units=5)), r"must be \(5, 5\), got \(4, 4\)"),
        (lambda f: truncate(f, "weights.safetensors"), "damaged weights"),
        (lambda f: (f / "weights.safetensors").write_bytes(b""), "damaged weights"),
        (flip, "damaged weights"),
        (lambda f: torch.save({"a": torch.ones(2)}, f / "weights.safetensors"), "damaged weights"),
        (lambda f: edit(f, lambda c: c.update(model={"type": "../../os"})), "cannot be built: unknown class"),
        (
            lambda f: (f / "model.json").write_text((f / "model.json").read_text().replace("0.0001", "0.0002")),
            "its checksum differs",
        ),
        (lambda f: of_another_model(f, lambda t: {**t, "more": torch.ones(1)}), "they also hold 'more'"),
        (lambda f: of_another_model(f, lambda t: {"readout.bias": t["readout.bias"]}), "they lack 'cell.W_x.bias'"),
        (
            lambda f: of_another_model(f, lambda t: {**t, "readout.bias": torch.ones(3)}),
            r"readout.bias must be \(10,\), got \(3,\)",
        ),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence_that_names_it(saved, damage, words):
    damage(saved)
    with pytest.raises(ValueError, match=rf"folder .*model.*{words}") as caught:
        load_model(saved)
    assert "\n" not in str(caught.value)
