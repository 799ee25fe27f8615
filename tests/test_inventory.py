"""The inventory's numbers are computed, its twins are built alike, and its forms say nothing of what is right."""

import importlib.util
import math
import pathlib
import re

import pytest
import torch

from simviz.dynamics import koopman
from simviz.dynamics.systems import CircleRotation, Logistic, Lorenz
from simviz.equilibria import Anderson, Broyden, Picard, solve
from simviz.models import paper
from simviz.models.cells import Tanh
from simviz.models.gauge import regauge

PLACE = pathlib.Path(__file__).parents[1] / "docs" / "book" / "inventory.py"
spec = importlib.util.spec_from_file_location("inventory", PLACE)
inventory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inventory)

QUESTIONS = {question.id: question for item in inventory.ITEMS for question in (item.a, item.b)}


def words(id):
    """All that an item says."""
    question = QUESTIONS[id]
    return " ".join([question.text, *(f"{option.text} {option.says}" for option in question.options)])


def right(id):
    (option,) = (option for option in QUESTIONS[id].options if option.right)
    return option.text


def stated(id, *numbers):
    """Each number stands in the item, to the digits given."""
    for number in numbers:
        pattern = rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)"
        assert re.search(pattern, words(id)), f"{id} does not say {number}"


def double(*values):
    return torch.tensor([values], dtype=torch.float64)


def test_there_are_twelve_items_with_twins_alike_in_form():
    assert [item.number for item in inventory.ITEMS] == list(range(1, 13))
    for item in inventory.ITEMS:
        assert (item.a.id, item.b.id) == (f"A{item.number}", f"B{item.number}")
        for question in (item.a, item.b):
            assert 3 <= len(question.options) <= 4
            assert sum(option.right for option in question.options) == 1
            assert all(len(option.says) > 20 for option in question.options)
        assert item.a.text != item.b.text
        assert (PLACE.parents[2] / "notebooks" / f"{item.chapter}.ipynb").exists()


def test_no_letter_is_worth_guessing_and_twins_have_the_answer_at_another_place():
    for form in "ab":
        keys = [next(o.key for o in getattr(item, form).options if o.right) for item in inventory.ITEMS]
        assert max(map(keys.count, "abcd")) <= 4
        assert min(map(keys.count, "abcd")) >= 2
    places = [[[o.right for o in question.options] for question in (item.a, item.b)] for item in inventory.ITEMS]
    assert sum(a != b for a, b in places) >= 10


def test_the_right_answer_is_not_the_longest_more_often_than_chance_would_have_it():
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in QUESTIONS.values()]
    assert sum(longest) <= 8


def test_the_pages_of_the_forms_hold_no_answer_and_the_key_holds_all(tmp_path):
    inventory.write(tmp_path)
    key = (tmp_path / "key.md").read_text(encoding="utf-8")
    for form in "ab":
        page = (tmp_path / f"form_{form}.md").read_text(encoding="utf-8")
        assert "✓" not in page
        for item in inventory.ITEMS:
            for option in getattr(item, form).options:
                assert inventory._plain(option.says) not in page
                assert inventory._plain(option.says) in key
                assert inventory._plain(option.text) in page


@pytest.mark.parametrize(("id", "inputs", "units", "often"), [("A1", 2, 3, "200"), ("B1", 3, 4, "1,000")])
def test_1_a_cell_has_the_numbers_of_one_layer(id, inputs, units, often):
    count = sum(p.numel() for p in Tanh(inputs, units).parameters())
    assert str(count) in right(id)
    stated(id, often, str(units), str(inputs), str(units * units), str(units * inputs))
    assert units * units + units * inputs + units == count


@pytest.mark.parametrize(("id", "J"), [("A2", [[0.8, 4.0], [0.0, 0.7]]), ("B2", [[-0.5, 3.0], [0.0, 0.6]])])
def test_2_an_error_grows_first_and_shrinks_by_the_radius_in_the_end(id, J):
    matrix, e = torch.tensor(J, dtype=torch.float64), double(0.0, 1.0)[0]
    radius = torch.linalg.eigvals(matrix).abs().max().item()
    stated(
        id, str([[f"{v:g}" for v in row] for row in J]).replace("'", ""), f"{radius:g}", f"{(matrix @ e).norm():.2f}"
    )
    later = (torch.linalg.matrix_power(matrix, 30) @ e).norm().item()
    assert (f"{later:.2f}" in words(id)) if id == "A2" else later < 1e-6
    assert torch.linalg.matrix_norm(matrix, 2) > {"A2": 4, "B2": 3}[id]
    tail = [(torch.linalg.matrix_power(matrix, t) @ e).norm().item() for t in (200, 202)]
    assert math.sqrt(tail[1] / tail[0]) == pytest.approx(radius, rel=1e-3)


@pytest.mark.parametrize(
    ("id", "f", "start", "slope"),
    [
        ("A3", lambda z, x: 3 * torch.cos(z), 1.0, lambda z: -3 * math.sin(z)),
        ("B3", lambda z, x: 3.4 * z * (1 - z), 0.6, lambda z: 3.4 - 6.8 * z),
    ],
)
def test_3_anderson_returns_a_fixed_point_that_iteration_leaves(id, f, start, slope):
    found = solve(f, double(start), None, Anderson(), rtol=1e-10, atol=1e-12, max_steps=100)
    z = found.z.item()
    assert found.residual.item() < 1e-10
    stated(id, f"{z:.4f}", f"{slope(z):.2f}".rstrip("0"))
    nudged = double(z + 1e-3)
    assert abs(f(nudged, None).item() - nudged.item()) == pytest.approx((1 - slope(z)) * 1e-3, rel=0.01)
    for _ in range(200):
        nudged = f(nudged, None)
    assert abs(nudged.item() - z) > 0.1
    if id == "B3":
        low, high = sorted([nudged.item(), f(nudged, None).item()])
        stated(id, f"{low:.3f}", f"{high:.3f}", f"{(low + high) / 2:.3f}", f"{z + 1e-3:.4f}")


@pytest.mark.parametrize(
    ("id", "f", "x", "other", "by_hand"),
    [
        ("A4", lambda z, x: 0.9 * torch.cos(z) + x, 0.4, Broyden(), lambda z: 1 / (1 + 0.9 * math.sin(z))),
        ("B4", lambda z, x: torch.tanh(0.9 * z + x), 0.3, Anderson(), lambda z: (1 - z**2) / (1 - 0.9 * (1 - z**2))),
    ],
)
def test_4_two_solvers_one_root_one_gradient(id, f, x, other, by_hand):
    one, two = (
        solve(f, double(0.0), double(x), method, rtol=1e-12, atol=1e-13, max_steps=500) for method in (Picard(), other)
    )
    stated(id, f"{one.z.item():.5f}", str(one.evaluations.item()), str(two.evaluations.item()))
    assert abs(one.z.item() - two.z.item()) < 1e-11
    h = 1e-5
    up, down = (
        solve(f, double(0.0), double(x + e), other, rtol=1e-13, atol=1e-14, max_steps=500).z.item() for e in (h, -h)
    )
    assert by_hand(one.z.item()) == pytest.approx((up - down) / (2 * h), abs=1e-6)
    assert f"{by_hand(one.z.item()):.4f}" in right(id)


@pytest.mark.parametrize(
    ("id", "a", "b", "c", "state"), [("A5", 0.8, 0.3, 0.34, (10.0, -4.0)), ("B5", 0.9, 0.5, 0.31, (-6.0, 5.0))]
)
def test_5_the_ratio_is_exact_far_from_the_fixed_point(id, a, b, c, state):
    def F(s):
        return torch.stack([a * s[..., 0], b * s[..., 1] + c * s[..., 0] ** 2], -1)

    def h(s):
        return s[..., 1] - s[..., 0] ** 2

    stated(id, f"({a:g} s1, {b:g} s2 + {c:g} s1²)", f"({state[0]:g}, {state[1]:g})")
    s = double(*state)
    stated(id, f"{h(F(s)).item():.1f}", f"{h(s).item():.0f}")
    assert torch.allclose(h(F(s)), b * h(s))
    many = 20 * torch.rand(1000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 10
    assert torch.allclose(h(F(many)), b * h(many))
    assert right(id).startswith(f"{b:g}")


@pytest.mark.parametrize(("id", "observables", "snapshots"), [("A6", 60, 50), ("B6", 90, 80)])
def test_6_more_observables_than_snapshots_fit_them_perfectly_and_say_nothing(id, observables, snapshots):
    assert f"{observables} observables on {snapshots} snapshots" in words(id)
    generator = torch.Generator().manual_seed(1)
    directions = 240 * torch.randn(observables, generator=generator, dtype=torch.float64)  # short waves tell all apart
    phases = 6.3 * torch.rand(observables, generator=generator, dtype=torch.float64)

    def seen(s):
        return torch.cos(s[:, None] * directions + phases)

    def step(s):
        return 4 * s * (1 - s)

    s = torch.rand(snapshots, generator=generator, dtype=torch.float64)
    fresh = torch.rand(2000, generator=generator, dtype=torch.float64)
    K = torch.linalg.pinv(seen(s)) @ seen(step(s))
    values, vectors = torch.linalg.eig(K)
    kept = values.abs() > 1e-6

    def residuals(points):
        before, after = seen(points).to(vectors) @ vectors, seen(step(points)).to(vectors) @ vectors
        return ((after - values * before).norm(dim=0) / before.norm(dim=0))[kept]

    assert residuals(s).max() < 1e-10
    assert residuals(fresh).min() > 0.1


@pytest.mark.parametrize(("id", "system", "dt"), [("A7", Lorenz(), 0.05), ("B7", Logistic(4.0), 1.0)])
def test_7_the_constant_has_eigenvalue_1_and_residual_0_on_chaos(id, system, dt):
    points = system.orbit(system.initial(1).double(), 3000, dt)[0, 500:]
    observables = koopman.Monomials({"A7": 1, "B7": 2}[id])
    found = koopman.edmd(points[:-1], points[1:], observables, dt=dt)
    best = int((found.eigenvalues - 1).abs().argmin())
    assert abs(found.eigenvalues[best] - 1) < 1e-8
    assert found.residuals[best] < 1e-6
    values = found.eigenfunctions(points)[:, best]
    assert (values - values.mean()).abs().max() < 1e-5 * values.abs().max()
    assert right(id).startswith("The constant")


def test_8_what_is_below_modulus_1_is_gone():
    assert 0.97**1000 < 1e-13
    assert 0.95**500 < 1e-11
    for id, modulus, half in (("A8", 0.97, 23), ("B8", 0.95, 14)):
        assert math.ceil(math.log(0.5) / math.log(modulus)) == half
        stated(id, f"{modulus:g}", str(half))


def test_9_bending_the_plane_leaves_every_eigenvalue():
    def bent(s):  # the circle becomes a crescent; the inverse takes it back
        return torch.stack([s[..., 0] + 1.5 * s[..., 1] ** 2, 0.4 * s[..., 1]], -1)

    def straight(u):
        y = u[..., 1] / 0.4
        return torch.stack([u[..., 0] - 1.5 * y**2, y], -1)

    points = CircleRotation(0.7).orbit(double(1.0, 0.0), 200)[0]
    observables = koopman.Monomials(3)
    one = koopman.edmd(points[:-1], points[1:], observables)
    there = bent(points)
    other = koopman.edmd(there[:-1], there[1:], koopman.Through(straight, observables))
    assert (there - points).abs().max() > 1
    turns = torch.exp(0.7j * torch.arange(-3, 4, dtype=torch.float64))
    for found in (one, other):
        believed = found.eigenvalues[found.residuals < 1e-8]
        assert (believed[:, None] - turns).abs().amin(0).max() < 1e-8
    stated("B9", "0.7")


def test_10_the_points_move_and_their_bars_stand_still():
    stated("A10", f"{4 * 0.2 * 0.8:.2f}", f"{4 * 0.64 * 0.36:.2f}")
    stated("B10", f"{2 * 0.3:.1f}", f"{2 - 2 * 0.6:.1f}")
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(100_000, generator=generator, dtype=torch.float64)
    logistic, tent = torch.sin(math.pi * start / 2) ** 2, start
    for points, step in ((logistic, lambda s: 4 * s * (1 - s)), (tent, lambda s: 1 - (1 - 2 * s).abs())):
        shares = [torch.histc(p, 20, 0, 1) / len(p) for p in (points, step(points))]
        assert (shares[0] - shares[1]).abs().max() < 0.005
        assert (step(points) - points).abs().mean() > 0.3


def test_11_other_coordinates_other_eigenvalues_and_the_same_outputs():
    stated("A11", str(math.ceil(math.log(0.5) / math.log(0.99))))
    torch.manual_seed(0)
    sim = paper.image_classifier(tiers=1, side=8, channels=1).double().eval()
    images = torch.randn(20, 1, 8, 8, dtype=torch.float64)
    rank = sim.propagator.rank
    for top in (0.99, 2.0, 1.7, 0.5):
        other = regauge(sim, torch.diag(torch.linspace(top, 0.1, rank, dtype=torch.float64)))
        assert other.spectrum().eigenvalues.abs().max() == pytest.approx(top, abs=1e-6)
        assert torch.allclose(other(images), sim(images), atol=1e-9)
    assert "it is 2." in right("A11")
    assert "it is 0.5." in right("B11")


def test_12_without_the_time_the_mean_is_best_and_with_it_the_rhythm_is_there():
    t = torch.arange(0, 400, dtype=torch.float64)
    clock = torch.stack([torch.ones_like(t), torch.cos(0.37 * t), torch.sin(0.37 * t)], 1)
    for id, signal, mean in (("A12", 2 + clock[:, 2], "2"), ("B12", 3 * clock[:, 1] - 1, "-1")):
        best = torch.linalg.lstsq(clock[:, :1], signal[:, None]).solution.item()
        assert best == pytest.approx(float(mean), abs=0.02)
        assert f"say {mean}." in " ".join(words(id).split())
        told = torch.linalg.lstsq(clock, signal[:, None]).solution
        assert torch.allclose(clock @ told, signal[:, None])
