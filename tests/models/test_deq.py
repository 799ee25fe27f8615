"""The DEQ: its output is a fixed point, its gradient is right, its report says what is so."""

import copy
import math
import re

import pytest
import torch
from torch import nn

from simviz.equilibria import Anderson, Implicit, Picard
from simviz.equilibria.gradients import GMRES, Neumann, Phantom, Unrolled
from simviz.models.config import build, describe
from simviz.models.deq import DEQ, Own, Tanh
from simviz.records import Status

TIGHT = {"rtol": 1e-12, "atol": 1e-14, "max_steps": 1000}


def model(units=6, inputs=3, seed=0, **options) -> DEQ:
    torch.manual_seed(seed)
    gradient = Implicit(rtol=1e-12, max_steps=1000)
    return DEQ(Tanh(inputs, units), nn.Linear(units, 2), Picard(), gradient, **{**TIGHT, **options}).double()


class Linear(nn.Module):
    """z -> A z + x, whose spectrum is A's and whose fixed point is (I - A)^-1 x."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(torch.as_tensor(a, dtype=torch.float64))

    def forward(self, z, x):
        return z @ self.a.T + x

    def initial(self, x):
        return torch.zeros_like(x)


def rotation(radius, angle):
    c, s = math.cos(angle), math.sin(angle)
    return radius * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def test_the_output_is_the_readout_of_a_point_the_cell_leaves_where_it_is():
    deq = model()
    x = torch.randn(5, 3, dtype=torch.float64)
    z = deq.equilibrium(x).z
    again = torch.tanh(z @ deq.cell.W_z.weight.T + x @ deq.cell.W_x.weight.T + deq.cell.W_x.bias)
    torch.testing.assert_close(z, again, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(deq(x), z @ deq.readout.weight.T + deq.readout.bias)
    assert deq.last_solution.status == (Status.CONVERGED,) * 5


def test_the_cell_starts_as_a_contraction_of_the_norm_asked_for():
    for units in (2, 32, 128):
        cell = Tanh(64, units, gain=0.7)
        assert torch.linalg.matrix_norm(cell.W_z.weight, 2).item() == pytest.approx(0.7, rel=1e-4)


def test_every_parameter_has_the_gradient_of_finite_differences():
    deq = model()
    x = torch.randn(4, 3, dtype=torch.float64)
    target = torch.randn(4, 2, dtype=torch.float64)

    def loss():
        return (deq(x) - target).square().mean()

    loss().backward()
    assert deq.last_solution.adjoint.converged.all()
    for parameter in deq.parameters():
        flat = parameter.data.view(-1)
        for i in (0, len(flat) - 1):
            before, h = flat[i].item(), 1e-5
            flat[i] = before + h
            up = loss().item()
            flat[i] = before - h
            down = loss().item()
            flat[i] = before
            assert parameter.grad.view(-1)[i].item() == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-9)


def test_the_spectrum_is_that_of_the_cells_jacobian():
    deq = model()
    x = torch.randn(3, 3, dtype=torch.float64)
    found, z = deq.spectrum(x), deq.equilibrium(x).z
    for row in range(3):
        jacobian = (1 - z[row].square())[:, None] * deq.cell.W_z.weight
        expected = torch.linalg.eigvals(jacobian).abs().sort(descending=True).values
        torch.testing.assert_close(found.eigenvalues[row].abs(), expected, rtol=1e-8, atol=1e-9)
    assert found.kind == "Jacobian at z*"


def test_a_spectrum_away_from_an_equilibrium_says_so():
    deq = DEQ(Linear(rotation(1.0, 0.5)), nn.Identity(), Picard())
    found = deq.spectrum(torch.ones(2, 2, dtype=torch.float64))
    assert "2 of 2 did not converge" in found.kind


def test_the_samples_that_did_not_converge_can_be_counted_after_a_forward():
    deq = DEQ(Linear(torch.tensor([[-1.0]])), nn.Identity(), Picard())
    deq(torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64))  # z -> x - z turns 0, x, 0, x for ever
    assert (~deq.last_solution.converged).tolist() == [False, True, True]


def test_the_report_of_a_contracting_cell_is_content_and_right():
    deq = DEQ(Linear(rotation(0.5, 1.0)), nn.Identity(), Picard())
    text = deq.report(torch.tensor([[0.0, 0.0], [1.0, 2.0]], dtype=torch.float64))
    worst = int(deq.equilibrium(torch.tensor([[1.0, 2.0]], dtype=torch.float64)).evaluations)
    assert text.startswith(f"2 of 2 samples converged, in 1 evaluations of the cell (median; worst {worst}).")
    assert "radius of df/dz at the returned points is 0.500 (median; largest 0.500)" in text
    assert "All are stable under iteration" in text
    assert text.endswith("Nothing needs changing.")


def test_the_damping_that_the_report_advises_makes_a_cycling_cell_settle():
    cell = Linear(rotation(1.05, 1.2))
    x = torch.ones(4, 2, dtype=torch.float64)
    text = DEQ(cell, nn.Identity(), Picard()).report(x)
    assert text.startswith("0 of 4 samples converged; 4 ran out of steps.")
    assert "4 of 4 are unstable under iteration" in text
    damping = float(re.search(r"damping=([\d.]+)\)", text)[1])
    settled = DEQ(cell, nn.Identity(), Picard(damping), max_steps=200).equilibrium(x)
    assert settled.converged.all()
    assert "use Anderson()" in text
    assert DEQ(cell, nn.Identity(), Anderson()).equilibrium(x).converged.all()


def test_the_steps_that_the_report_advises_for_a_slow_cell_are_enough():
    cell = Linear(torch.tensor([[0.93]]))
    x = torch.ones(2, 1, dtype=torch.float64)
    text = DEQ(cell, nn.Identity(), Picard(), max_steps=20).report(x)
    steps = int(re.search(r"to about (\d+)", text)[1])
    assert DEQ(cell, nn.Identity(), Picard(), max_steps=steps).equilibrium(x).converged.all()
    assert "use Anderson()" in text
    assert DEQ(cell, nn.Identity(), Anderson(), max_steps=20).equilibrium(x).converged.all()


def test_a_runaway_and_an_eigenvalue_beyond_one_are_named_for_what_they_are():
    x = torch.ones(1, 1, dtype=torch.float64)
    text = DEQ(Linear(torch.tensor([[3.0]])), nn.Identity(), Picard()).report(x)
    assert "1 diverged" in text
    assert "ran away" in text
    text = DEQ(Linear(torch.tensor([[1.02]])), nn.Identity(), Picard(), rtol=1e-5).report(x)
    assert "no damping cures" in text
    text = DEQ(Linear(torch.tensor([[0.8]])), nn.Identity(), Picard(), max_steps=40).report(x)
    assert "Raise max_steps (now 40)" in text


def test_a_point_that_anderson_finds_and_iteration_leaves_is_named():
    text = DEQ(Linear(rotation(1.3, 1.2)), nn.Identity()).report(torch.ones(2, 2, dtype=torch.float64))
    assert text.startswith("2 of 2 samples converged")
    assert "2 of 2 are unstable under iteration" in text
    assert "the solver returned an equilibrium, but iterating the cell leaves it" in text
    assert "Run(..., penalty=0.1)" in text


def test_a_root_finder_that_ran_out_is_advised_more_steps_or_a_contracting_cell():
    torch.manual_seed(0)
    deq = DEQ(Tanh(4, 32, gain=6.0), nn.Identity(), max_steps=6)
    text = deq.report(torch.randn(8, 4))
    assert "ran out of steps" in text
    assert "raise max_steps (now 6)" in text
    assert "contract" in text


@pytest.mark.parametrize(
    "rule", [Implicit(GMRES(4)), Implicit(Picard()), Neumann(3), Phantom(2, 0.5), Unrolled(), Unrolled(4)], ids=repr
)
def test_every_rule_trains_a_deq_and_is_saved_with_it(rule):
    torch.manual_seed(0)
    deq = DEQ(Tanh(3, 5), nn.Linear(5, 2), gradient=rule)
    deq(torch.randn(4, 3)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in deq.parameters())
    assert build(describe(deq)).options["gradient"] == rule
    assert build(describe(deq)).options["solver"] == Anderson()


def test_a_deq_of_before_these_methods_still_loads():
    old = {
        "type": "DEQ",
        "cell": {"type": "Tanh", "inputs": 3, "units": 4, "gain": 0.8},
        "readout": {"type": "Linear", "in_features": 4, "out_features": 2, "bias": True},
        "solver": {"type": "Picard", "damping": 1.0},
        "gradient": {"type": "Implicit", "solver": {"type": "Picard", "damping": 1.0}, "rtol": 1e-4, "max_steps": 50},
        "rtol": 1e-4,
        "max_steps": 50,
        "atol": 1e-6,
    }
    assert build(old).config == old


def test_the_penalty_is_the_mean_squared_entry_of_a_linear_cells_jacobian_and_has_its_gradient():
    a = 0.2 * torch.randn(5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    deq = DEQ(Linear(a), nn.Identity())
    with pytest.raises(RuntimeError, match="call the model on an x first"):
        deq.penalty()
    deq(torch.randn(20000, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    penalty = deq.penalty(torch.Generator().manual_seed(2))
    assert penalty.item() == pytest.approx(a.square().sum().item() / 5, rel=0.03)  # its standard error: 0.6 per cent
    penalty.backward()
    torch.testing.assert_close(deq.cell.a.grad, 2 * a / 5, rtol=0.1, atol=0.01)


def test_samples_that_diverged_do_not_count_in_the_penalty():
    deq = DEQ(Own(lambda z, x: x * z**2 + 0.1, 1), nn.Identity(), Picard())
    deq(torch.tensor([[0.5], [1e30]], dtype=torch.float64))
    assert [s is Status.DIVERGED for s in deq.last_solution.status] == [False, True]
    assert deq.penalty().isfinite()
    deq(torch.tensor([[1e30]], dtype=torch.float64))
    assert deq.penalty() == 0


def test_a_deq_comes_back_from_its_description_and_from_a_copy():
    deq = DEQ(Tanh(4, 5), nn.Linear(5, 3), Picard(0.5), Implicit(Picard(0.75), rtol=1e-3, max_steps=7), 1e-5, 80)
    x = torch.randn(3, 4)
    expected = deq(x)
    again = build(describe(deq))
    again.load_state_dict(deq.state_dict())
    assert deq.config["solver"] == {"type": "Picard", "damping": 0.5}
    assert again.options["gradient"] == deq.options["gradient"]
    assert again.config == deq.config
    assert torch.equal(again(x), expected)
    assert torch.equal(copy.deepcopy(deq)(x), expected)


def test_without_gradients_no_graph_is_kept():
    deq = model()
    with torch.no_grad():
        assert not deq(torch.randn(2, 3, dtype=torch.float64)).requires_grad


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: DEQ(nn.Linear(2, 2), nn.Identity()), r"cell must be a module with initial\(x\)"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity(), "anderson"), "solver must be a method"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity(), gradient="implicit"), "gradient must be a rule such as Implicit"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity(), gradient=Implicit), "gradient must be a rule such as Implicit"),
        (lambda: DEQ(Tanh(2, 3), None), "readout must be a module"),
        (lambda: DEQ(lambda z, x: z, nn.Identity()), r"a function f\(z, x\) becomes one by Own"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity(), rtol=0), "rtol must be finite"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity(), max_steps=0), "max_steps must be at least 1"),
        (
            lambda: DEQ(Tanh(2, 3), nn.Identity())(torch.ones(4, 3)),
            r"x must be \(batch, 2\) for this cell, got \(4, 3\)",
        ),
        (lambda: DEQ(Tanh(2, 3), nn.Identity())(torch.ones(2)), "did you forget the batch axis"),
        (lambda: DEQ(Tanh(2, 3), nn.Identity())(torch.full((1, 2), torch.nan)), "x holds 2 values that are NaN"),
        (lambda: Tanh(2, 3, gain=0.0), "gain must be finite"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_an_encoder_is_asked_once_and_its_gradient_is_the_chain_rules():
    """Against the same DEQ on the encoder's output, whose gradient is then pulled through the encoder by hand."""
    torch.manual_seed(3)
    encoder = nn.Linear(4, 3).double()
    plain = model()
    deq = DEQ(plain.cell, plain.readout, Picard(), Implicit(rtol=1e-12, max_steps=1000), encoder=encoder, **TIGHT)
    x = torch.randn(5, 4, dtype=torch.float64)
    seen = encoder(x).detach().requires_grad_()
    expected = plain(seen).square().sum()
    (pulled,) = torch.autograd.grad(expected, seen)
    asked = []
    encoder.register_forward_hook(lambda *_: asked.append(1))
    loss = deq(x).square().sum()
    assert len(asked) == 1
    torch.testing.assert_close(loss, expected.detach())
    gradients = torch.autograd.grad(loss, [encoder.weight, encoder.bias])
    torch.testing.assert_close(gradients[0], pulled.T @ x)
    torch.testing.assert_close(gradients[1], pulled.sum(0))
    torch.testing.assert_close(deq.equilibrium(x).z, plain.equilibrium(seen.detach()).z)
    torch.testing.assert_close(deq.spectrum(x).eigenvalues, plain.spectrum(seen.detach()).eigenvalues)
    assert "converged" in deq.report(x)
    again = build(describe(deq)).double()
    again.load_state_dict(deq.state_dict())
    assert torch.equal(again(x), deq(x))


def test_the_equilibrium_keeps_its_digits_under_autocast():
    """bfloat16 has three; the fixed point of a cell is asked for six and has them."""
    torch.manual_seed(0)
    deq = DEQ(Tanh(4, 6), nn.Linear(6, 2), rtol=1e-6, max_steps=200, encoder=nn.Linear(3, 4))
    x = torch.randn(5, 3)
    with torch.autocast("cpu", torch.bfloat16):
        out = deq(x)
        seen = deq.encoder(x).float()
    assert out.dtype == torch.bfloat16
    assert all(deq.last_solution.converged)
    z = deq.last_solution.z
    assert z.dtype == torch.float32
    assert (deq.cell(z, seen) - z).norm() < 1e-5 * z.norm()
