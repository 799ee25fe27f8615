"""The gradient laboratory: angles and lengths that are known, and memory that is counted."""

import math

import pytest
import torch
from torch import nn

from simviz.equilibria import Picard, solve
from simviz.equilibria.gradients import GMRES, Implicit, Neumann, Phantom, Unrolled, compare
from simviz.equilibria.gradients.compare import Peak


def rotating(angle=math.pi / 3, radius=0.8):
    c, s = math.cos(angle), math.sin(angle)
    a = radius * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    x = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
    return a, x, torch.zeros_like(x), lambda z, x: z @ a.T + x


def test_angle_and_length_are_those_of_the_closed_form():
    _a, x, z0, f = rotating()
    one, exact, two = compare(f, z0, x, lambda z: z[:, 0].sum(), [Phantom(1), Implicit(rtol=1e-12), Neumann(2)])
    # In the complex plane v = g / (1 - conj(lambda)); one step gives g, two terms g (1 + conj(lambda)).
    turned = complex(*(0.8 * math.cos(math.pi / 3), -0.8 * math.sin(math.pi / 3)))
    truth = 1 / (1 - turned)
    for record, gradient in ((one, 1), (two, 1 + turned)):
        ratio = gradient / truth
        assert record.angle == pytest.approx(math.degrees(abs(math.atan2(ratio.imag, ratio.real))), rel=1e-6)
        assert record.length == pytest.approx(abs(ratio), rel=1e-6)
    assert exact.angle < 1e-6
    assert exact.length == pytest.approx(1, abs=1e-9)
    assert [record.rule for record in (one, two)] == ["Phantom(steps=1)", "Neumann(steps=2)"]
    assert x.requires_grad is False  # as it was


def test_the_error_of_one_step_grows_with_the_radius():
    """Random 32 x 32 cells: medians of 5, 16, 40 and 60 degrees at radius 0.1, 0.3, 0.7, 0.95 are known to about."""
    medians = []
    for radius in (0.1, 0.3, 0.7, 0.95):
        angles = []
        for seed in range(9):
            generator = torch.Generator().manual_seed(seed)
            a = torch.randn(32, 32, generator=generator, dtype=torch.float64)
            a *= radius / torch.linalg.eigvals(a).abs().max()
            x, c = torch.randn(2, 1, 32, generator=generator, dtype=torch.float64)
            records = compare(
                lambda z, x, a=a: z @ a.T + x, 0 * x, x, lambda z, c=c: (z * c).sum(), [Phantom(1)], repeats=1
            )
            angles.append(records[0].angle)
        medians.append(sorted(angles)[4])
    for found, known in zip(medians, (5, 16, 40, 60), strict=True):
        assert found == pytest.approx(known, rel=0.3)


def test_a_modules_parameters_are_compared_and_left_as_they_were():
    torch.manual_seed(0)

    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, z, x):
            return torch.tanh(0.5 * self.inner(z) + x)

    cell = Cell()
    cell.inner.bias.requires_grad_(False)
    records = compare(cell, torch.zeros(3, 4), torch.randn(3, 4), lambda z: z.square().sum(), [Implicit(), Unrolled()])
    assert all(record.angle < 0.05 and abs(record.length - 1) < 1e-3 for record in records)
    assert all(record.seconds > 0 for record in records)
    assert cell.inner.weight.requires_grad
    assert not cell.inner.bias.requires_grad
    assert cell.inner.weight.grad is None


def layers(units=64, batch=8):
    generator = torch.Generator().manual_seed(0)
    w = torch.randn(units, units, generator=generator) * 3.0 / math.sqrt(units)  # it never settles
    x = torch.randn(batch, units, generator=generator)
    return w.requires_grad_(), x, lambda z, x: torch.tanh(z @ w.T + x)


def saved_bytes(rule, steps):
    """What autograd holds between forward and backward, after a forward of that many steps."""
    _w, x, f = layers()
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    solution = solve(f, torch.zeros_like(x), x, Picard(), rtol=1e-30, atol=0.0, max_steps=steps, keep=True)
    assert len(solution.steps) == steps + 1
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        z = rule.attach(f, solution, x)
    assert z.requires_grad
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_what_autograd_keeps_is_the_same_after_ten_iterations_and_after_a_thousand():
    for rule in (Implicit(), Neumann(5), Phantom(3)):
        assert saved_bytes(rule, 1000) == pytest.approx(saved_bytes(rule, 10), rel=0.1)
    assert saved_bytes(Unrolled(1000), 10) > 20 * saved_bytes(Unrolled(10), 10)


def peaks(rule, steps):
    """The most memory that solve, attach and backward take together, and that the last two take."""
    _w, x, f = layers()
    keep = isinstance(rule, Unrolled)
    with Peak() as together:
        solution = solve(f, torch.zeros_like(x), x, Picard(), rtol=1e-30, atol=0.0, max_steps=steps, keep=keep)
        with Peak() as backward:
            rule.attach(f, solution, x).square().sum().backward()
    assert len(solution.steps) == steps + 1
    return together.bytes, backward.bytes


def test_the_peak_memory_of_implicit_is_flat_from_ten_to_a_thousand_iterations():
    (few, few_backward), (many, many_backward) = peaks(Implicit(), 10), peaks(Implicit(), 1000)
    assert many_backward == pytest.approx(few_backward, rel=0.1)
    record = 16 * 990 * 8  # of the solve: a few numbers a step and sample, where a state would be 256 bytes
    assert many - few < record
    assert peaks(Unrolled(1000), 1000)[1] > 10 * peaks(Unrolled(10), 10)[1]


def test_peak_counts_what_is_alive_at_once_and_nothing_that_was_there_before():
    old = torch.ones(1000)
    with Peak() as counted:
        for _ in range(50):
            torch.ones(250)
        kept = torch.ones(500)
        old.add_(1)
        old.view(10, 100)
        del kept
    assert counted.bytes == 2000
    assert counted.now == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f, z, x: compare(f, z, x, torch.sum, ["implicit"]), "rules must be a rule such as"),
        (lambda f, z, x: compare(f, z, x, torch.sum, [Implicit()], repeats=0), "repeats must be at least 1"),
        (lambda f, z, x: compare(lambda z, x: z / 2, z, None, torch.sum, [Implicit()]), "wrt must hold at least one"),
        (lambda f, z, x: compare(f, z, x, torch.sum, [Implicit(GMRES(2))], solver="a"), "solver must be a method"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    _a, x, z0, f = rotating()
    with pytest.raises(ValueError, match=words):
        call(f, z0, x)
