"""Each clock is what it is said to be: none, hands that turn, steps that are counted, answers that go on."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from simviz.models.bases import FullyConnected
from simviz.models.cells import Tanh
from simviz.models.config import build, describe
from simviz.models.timed import Iterated, Recurrent, Timeless, Told

X = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
TIMES = torch.tensor([0, 4, 1, 9])


def made(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return {
            "timeless": lambda: Timeless(nn.Linear(3, 2)),
            "told": lambda: Told(FullyConnected(3 + 4, 2), [0.3, 1.1]),
            "iterated": lambda: Iterated(Tanh(3, 6, gain=1.2), nn.Linear(6, 2)),
            "recurrent": lambda: Recurrent(7),
        }[kind]()


KINDS = ("timeless", "told", "iterated", "recurrent")


@torch.no_grad()
def test_a_model_without_a_clock_says_the_same_at_every_time():
    model = made("timeless")
    orbit = model.orbit(X, TIMES)
    assert orbit.shape == (5, 4, 2)
    assert torch.equal(orbit, model.model(X)[:, None].expand(-1, 4, -1))


def test_the_hands_of_a_clock_are_cosine_and_sine_of_angle_times_t():
    """A model that passes on what it is told."""
    times = torch.tensor([0.0, 0.5, 3.0, 200.0])
    said = Told(nn.Identity(), [0.3, 1.1]).orbit(X, times).numpy()
    turned = np.outer(times.numpy(), [0.3, 1.1])
    for row in range(5):
        np.testing.assert_array_equal(said[row, :, :3], np.tile(X[row].numpy(), (4, 1)))
        np.testing.assert_allclose(said[row, :, 3:], np.hstack([np.cos(turned), np.sin(turned)]), atol=2e-5)


@torch.no_grad()
def test_an_iterated_cell_is_read_after_t_plus_one_applications_from_zero():
    model = made("iterated")
    orbit = model.orbit(X, TIMES)
    W, U, b = (p.double().numpy() for p in (model.cell.W_z.weight, model.cell.W_x.weight, model.cell.W_x.bias))
    for column, t in enumerate(TIMES.tolist()):
        z = np.zeros((5, 6))
        for _ in range(t + 1):
            z = np.tanh(z @ W.T + X.double().numpy() @ U.T + b)
        said = z @ model.readout.weight.double().numpy().T + model.readout.bias.double().numpy()
        np.testing.assert_allclose(orbit[:, column].numpy(), said, atol=1e-5)


@torch.no_grad()
def test_a_recurrent_model_is_torchs_gru_that_hears_its_own_answers_after_the_signal():
    model = made("recurrent")
    gru = nn.GRU(1, 7, batch_first=True)
    gru.load_state_dict({f"{name}_l0": value for name, value in model.cell.state_dict().items()})
    _, state = gru(X[..., None])
    said = [model.readout(state[0])]
    for _ in range(9):
        _, state = gru(said[-1][:, None], state)
        said.append(model.readout(state[0]))
    torch.testing.assert_close(model.orbit(X, TIMES), torch.stack([said[t] for t in TIMES.tolist()], 1))


@pytest.mark.parametrize("kind", ["iterated", "recurrent"])
def test_a_model_that_counts_takes_whole_times_of_any_type_and_refuses_others(kind):
    model = made(kind)
    assert torch.equal(model.orbit(X, TIMES.double()), model.orbit(X, TIMES))
    for times, words in (
        ([0.0, 0.5], "times must be whole steps"),
        ([1.0, float("nan")], "times must be"),
        ([1.0, float("inf")], "times must be finite and at least 0, got 1 to inf"),
        ([-1.0, 2.0], "times must be finite and at least 0, got -1 to 2"),
        ([-2, 0], "times must be finite and at least 0, got -2 to 0"),
    ):
        with pytest.raises(ValueError, match=words):
            model.orbit(X, torch.tensor(times))


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_every_clock_comes_back_from_its_description_and_weights(kind):
    model = made(kind)
    again = build(json.loads(json.dumps(describe(model))))
    assert not torch.equal(again.orbit(X, TIMES), model.orbit(X, TIMES))
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.orbit(X, TIMES), model.orbit(X, TIMES))


def test_bad_options_are_refused_by_name():
    with pytest.raises(ValueError, match="angles must be finite"):
        Told(nn.Identity(), [0.3, float("nan")])
    with pytest.raises(ValueError, match="units must be at least 1, got 0"):
        Recurrent(0)
