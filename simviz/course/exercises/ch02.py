"""Chapter 02: the adjoint equation of a fixed point, and a derivative by differences to check it with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import Function, normal, uniform
from simviz.course.wording import four, spelled


def adjoint(J: torch.Tensor, dL: torch.Tensor) -> torch.Tensor:
    """Return v with v = J^T v + dL, for a Jacobian J (n, n) and the loss's gradient dL (n,)."""
    return torch.linalg.solve(torch.eye(len(J), dtype=J.dtype) - J.T, dL)


def _equations(generator: torch.Generator) -> list[Args]:
    """A small matrix near [[.5, .4], [-.1, .2]], whose angle is printed, and a larger one of radius 0.7."""
    small = torch.tensor([[0.5, 0.4], [-0.1, 0.2]], dtype=torch.float64)
    small = small + 0.05 * (2 * torch.rand(2, 2, generator=generator, dtype=torch.float64) - 1)
    turn = uniform(generator, 0.0, 2 * math.pi)
    large = normal(generator, 5, 5)
    large = 0.7 * large / torch.linalg.eigvals(large).abs().max()
    direction = torch.tensor([math.cos(turn), math.sin(turn)], dtype=torch.float64)
    return [(small, direction), (large, normal(generator, 5))]


def _not_transposed(J: torch.Tensor, dL: torch.Tensor) -> torch.Tensor:
    return torch.linalg.solve(torch.eye(len(J), dtype=J.dtype) - J, dL)


def _one_step(J: torch.Tensor, dL: torch.Tensor) -> torch.Tensor:
    return dL


def _plus(J: torch.Tensor, dL: torch.Tensor) -> torch.Tensor:
    return torch.linalg.solve(torch.eye(len(J), dtype=J.dtype) + J.T, dL)


def _degrees_off(seen: Seen) -> str:
    J, dL = seen.args
    cosine = float(dL @ seen.want / (dL.norm() * seen.want.norm()))
    degrees = math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
    return f"That is the one-step gradient: right at radius 0, for {spelled(J)} {degrees:.0f} degrees off."


def _left_over(seen: Seen) -> str:
    J, dL = seen.args
    v = as_tensor(seen.given)
    rest = "" if v is None else f" but {four(float((v - J.T @ v - dL).norm()))} long"
    return f"Check v - J^T v - dL: it is not 0{rest}."


Scalar = Callable[[float], torch.Tensor]


def derivative(f: Scalar, t: float) -> torch.Tensor:
    """Return f'(t) to six digits from values of f alone."""
    h = 1e-5
    return (f(t + h) - f(t - h)) / (2 * h)


def _curves(generator: torch.Generator) -> list[Args]:
    cases: list[Args] = []
    for _ in range(3):
        turn, grow = uniform(generator, 2.0, 4.0), uniform(generator, 0.8, 1.2)
        f = Function(f"t -> sin({turn:.4g} t) + {grow:.4g} t^3", _curve(turn, grow))
        t = uniform(generator, 0.5, 0.9)
        while abs(turn * math.cos(turn * t) + 3 * grow * t * t) < 0.5:
            t = uniform(generator, 0.5, 0.9)
        cases.append((f, torch.tensor(t, dtype=torch.float64)))
    return cases


def _curve(turn: float, grow: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda t: (turn * t).sin() + grow * t**3


def _tiny_step(f: Scalar, t: float) -> torch.Tensor:
    return (f(t + 1e-13) - f(t - 1e-13)) / 2e-13


def _one_sided(f: Scalar, t: float) -> torch.Tensor:
    return (f(t + 1e-2) - f(t)) / 1e-2


def _doubled(f: Scalar, t: float) -> torch.Tensor:
    return (f(t + 1e-5) - f(t - 1e-5)) / 1e-5


def _places(seen: Seen) -> list[float]:
    """How far from t the reader's function asked f for values."""
    return [float(call) - float(seen.args[1]) for call in seen.used[0].calls]


def _cancels(seen: Sequence[Seen]) -> bool:
    """It asked f within 1e-9 of t alone."""
    places = [_places(one) for one in seen]
    return all(len(p) > 1 and max(map(abs, p)) < 1e-9 for p in places)


def _leans(seen: Sequence[Seen]) -> bool:
    """It asked f at t and on one side of it, and came out near the derivative."""
    places = [_places(one) for one in seen]
    near = all(abs(float(one.given - one.want)) < 0.5 * max(1.0, abs(float(one.want))) for one in seen)
    return near and all(len(p) > 1 and (min(p) >= 0 or max(p) <= 0) for p in places)


def _twice(seen: Sequence[Seen]) -> bool:
    return all(abs(float(one.given) - 2 * float(one.want)) < 1e-2 * abs(float(one.want)) for one in seen)


EXERCISES = [
    Exercise(
        id="02a",
        title="The adjoint",
        statement=(
            "The gradient of a loss through a fixed point needs v with v = J^T v + dL.\n\n`J` has shape (n, n), `dL` "
            "is the loss's gradient at the fixed point, shape (n,); return v, shape (n,)."
        ),
        right=adjoint,
        cases=_equations,
        wrong=(
            Wrong(
                "transpose",
                _not_transposed,
                "For symmetric J we agree; for this one not. The gradient flows against the arrows.",
            ),
            Wrong("one-step", _one_step, _degrees_off),
            Wrong("sign", _plus, _left_over),
        ),
        hints=("Collect v on one side.", "`torch.linalg.solve(I - J.T, dL)`"),
    ),
    Exercise(
        id="02b",
        title="A derivative by differences",
        statement=(
            "Return f'(t) to 1e-6 from values of `f` alone: this is how a gradient is checked.\n\n`f` takes and "
            "returns one number, `t` is one number; return one number."
        ),
        right=derivative,
        cases=_curves,
        wrong=(
            Wrong("cancels", _tiny_step, "Digits cancel: error grows again below 1e-8; plot it.", sign=_cancels),
            Wrong("doubled", _doubled, "Twice too large.", sign=_twice),
            Wrong("one-sided", _one_sided, "Error halves with h; the central one quarters.", sign=_leans),
        ),
        hints=("Two-sided: one value on either side of t.", "h near 1e-5, and divide by 2h."),
    ),
]
