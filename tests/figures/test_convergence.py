"""What is drawn of a solve is what was recorded: residuals, iterates, and how far gradients are from the exact one."""

import math

import numpy as np
import pytest
import torch

from simviz import figures
from simviz.equilibria import Picard, solve
from simviz.records import GradientError, Solution, Status


def halved(z, x):
    """Every step halves the distance to x: the residual at step k is |x| / 2^(k + 1)."""
    return 0.5 * (z + x)


def solved(batch=40, **options):
    x = torch.linspace(1, 2, batch, dtype=torch.float64)[:, None]
    return solve(halved, torch.zeros_like(x), x, Picard(), rtol=1e-3, **options)


def named(spec, name):
    return next(t for t in spec.traces if t.name == name)


def test_the_median_and_the_band_are_those_of_the_samples():
    spec = figures.residuals(solved(41))
    x = np.linspace(1, 2, 41)
    median = named(spec, "median")
    exact = np.median(x) * 0.5 ** (np.arange(len(median.x)) + 1)
    assert np.allclose(median.y, exact)
    band = next(t for t in spec.traces if t.mode == "band")
    count = len(band.x) // 2
    low, high = np.quantile(x, [0.05, 0.95])
    assert np.allclose(band.y[:count] / exact, low / 1.5)
    assert np.allclose(band.y[count:][::-1] / exact, high / 1.5)
    assert spec.subplots[0].y.scale == "log"


def test_a_sample_that_has_left_counts_with_its_last_residual():
    """One sample starts at its fixed point; the other keeps halving. No residual is invented for the first."""
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    solution = solve(halved, torch.tensor([[1.0001], [0.0]], dtype=torch.float64), x, Picard(), rtol=1e-3)
    lines = next(t for t in figures.residuals(solution).traces if t.role == "sample")
    first = lines.y[: len(solution.steps)]
    assert np.allclose(first, 0.00005)


def test_the_slope_is_that_of_the_radius_and_the_state_counts():
    spec = figures.residuals({"plain": solved(), "damped": solved(max_steps=3)}, radius=0.5)
    slope = named(spec, "falls by 0.5 a step")
    assert np.allclose(slope.y[1:] / slope.y[:-1], 0.5)
    assert "plain: 40 of 40 converged in" in spec.state
    assert "damped: 0 of 40 converged" in spec.state
    assert figures.to_plotly(spec).layout.meta["alt"].startswith("Residuals")
    figures.to_matplotlib(spec)


def test_a_diverged_sample_is_counted_and_leaves_no_infinite_point():
    x = torch.tensor([[1.0], [1.0], [2.0]], dtype=torch.float64)
    z0 = torch.tensor([[0.1], [30.0], [0.2]], dtype=torch.float64)
    solution = solve(lambda z, x: 0.1 * z**3 * x, z0, x, Picard())
    assert solution.status[1] is Status.DIVERGED
    spec = figures.residuals(solution)
    assert "1 diverged" in spec.state
    for trace in spec.traces:
        assert not np.isinf(trace.y).any()


def test_iterates_are_joined_in_their_order_over_strokes_towards_f():
    turn = torch.tensor([[0.0, -0.9], [0.9, 0.0]], dtype=torch.float64)
    path = [torch.tensor([1.0, 0.0], dtype=torch.float64)]
    for _ in range(6):
        path.append(turn @ path[-1])
    spec = figures.iterates(lambda z: z @ turn.T, torch.stack(path), z_star=[[0.0, 0.0]], stable=[True])
    drawn = named(spec, "iterates")
    assert np.allclose(np.stack([drawn.x, drawn.y], 1), torch.stack(path))
    strokes = next(t for t in spec.traces if t.role == "flow")
    rows = np.stack([strokes.x, strokes.y], 1).reshape(-1, 7, 2)
    way = rows[:, 1] - rows[:, 0]
    exact = rows[:, 0] @ (turn.numpy().T - np.eye(2))
    cosine = (way * exact).sum(1) / np.linalg.norm(way, axis=1) / np.linalg.norm(exact, axis=1)
    assert (cosine > 0.999).all()
    assert named(spec, "stable fixed point").x.tolist() == [0.0]


ERRORS = [GradientError("implicit", 0.0, 1.0, 0.004, 2048), GradientError("one step", 60.0, 0.5, 0.001, 1024)]


def test_a_gradients_arrow_has_its_angle_and_length_and_bars_their_numbers():
    spec = figures.gradient_errors(ERRORS)
    tip = named(spec, "one step")
    assert (tip.x[1], tip.y[1]) == pytest.approx((0.5 * math.sin(math.pi / 3), 0.5 * math.cos(math.pi / 3)))
    bars = {t.name: t.x.max() for t in spec.traces if t.mode == "band"}
    assert bars["milliseconds a backward pass: implicit"] == pytest.approx(4.0)
    assert bars["memory held for it, KiB: one step"] == pytest.approx(1.0)
    texts = [label for t in spec.traces if t.mode == "text" for label in t.labels]
    assert texts == ["implicit: 4 ms", "one step: 1 ms", "implicit: 2 KiB", "one step: 1 KiB"]
    drawn = [text.get_text() for axes in figures.to_matplotlib(spec).axes for text in axes.texts]
    assert set(texts) <= set(drawn)  # none was left out for want of room
    assert "one step: 60 degrees off, length 0.5" in spec.state


def test_five_rules_still_have_room_for_their_labels():
    five = [GradientError(f"Phantom(steps={n})", 50.0 / n, 0.9, 0.001 * n, 1000 * n) for n in range(1, 6)]
    drawn = [
        text.get_text() for axes in figures.to_matplotlib(figures.gradient_errors(five)).axes for text in axes.texts
    ]
    assert len([text for text in drawn if text.startswith("Phantom")]) == 10


EMPTY = Solution(torch.ones(1, 1), (Status.CONVERGED,), torch.ones(1), torch.ones(1), torch.ones(1))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: figures.residuals({}), "solves must be one to 5 Solutions with their steps, got 0"),
        (lambda: figures.residuals(EMPTY), "solves must be one to 5 Solutions with their steps"),
        (lambda: figures.residuals(solved(2), radius=-1), "radius must be finite"),
        (lambda: figures.iterates(lambda z: z, torch.ones(4, 3)), r"paths must be \(steps, 2\)"),
        (lambda: figures.iterates(lambda z: z, {}), "paths must be one to 5"),
        (lambda: figures.iterates(lambda z: z[0], torch.ones(4, 2)), "function must return a tensor of the states"),
        (lambda: figures.gradient_errors([]), "errors must be one to 5 GradientError records"),
        (lambda: figures.gradient_errors([1.0]), "errors must be one to 5 GradientError records"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
