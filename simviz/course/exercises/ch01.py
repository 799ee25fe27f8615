"""Chapter 01: iterate to a fixed point, say how quickly errors shrink there, and weigh residuals as Anderson does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import Function, normal, rotation, uniform
from simviz.course.wording import four, spelled

Map = Callable[[torch.Tensor], torch.Tensor]


def picard(f: Map, z: torch.Tensor, tol: float, max_steps: int) -> tuple[torch.Tensor, int, bool]:
    """Apply f again and again until |f(z) - z| <= tol |f(z)|; return z (n,), the steps taken, whether it converged."""
    for step in range(1, max_steps + 1):
        z_next = f(z)
        close = bool((z_next - z).norm() <= tol * z_next.norm())
        z = z_next
        if close:
            return z, step, True
    return z, max_steps, False


def _maps(generator: torch.Generator) -> list[Args]:
    """Four maps: a bend, fixed points at 2e4 and at 2e-7, and one that jumps to and fro for ever."""
    a, b, c = uniform(generator, 0.6, 0.9), uniform(generator, 0.7, 1.3), uniform(generator, 0.7, 1.3)
    ramp = torch.linspace(1, 2, 3, dtype=torch.float64)
    starts = [normal(generator, 3), torch.zeros(3, dtype=torch.float64), 1e-4 * ramp, torch.zeros(1).double()]
    maps = [
        Function(f"z -> {a:.4g} cos(z)", lambda z: a * z.cos()),
        Function(f"z -> z / 2 + {b * 1e4:.4g}", lambda z: z / 2 + b * 1e4),
        Function(f"z -> z / 2 + {c * 1e-7:.4g}", lambda z: z / 2 + c * 1e-7),
        Function("z -> 1 - z", lambda z: 1 - z),
    ]
    return [(f, z, 1e-6, 200) for f, z in zip(maps, starts, strict=True)]


def _parts(answer: Any) -> tuple[torch.Tensor, float, bool] | None:
    """z, steps and converged of an answer, None where it has not that form."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        return None
    z, steps, converged = (as_tensor(part) for part in answer)
    if z is None or steps is None or converged is None or steps.numel() != 1 or converged.numel() != 1:
        return None
    return z, float(steps), bool(converged)


def _settled(seen: Seen) -> bool:
    """Whether it converged exactly where it can, within tol and within a step or two of ours."""
    parts = _parts(seen.given)
    if parts is None:
        return False
    z, steps, converged = parts
    f, start, tol, _ = seen.args
    if z.shape != start.shape or not bool(torch.isfinite(z).all()):
        return False
    if converged != seen.want[2] or abs(steps - seen.want[1]) > 1:
        return False
    z_next = f.fresh()(z)
    return not converged or bool((z_next - z).norm() <= 1.001 * tol * z_next.norm())


def _absolute(f: Map, z: torch.Tensor, tol: float, max_steps: int) -> tuple[torch.Tensor, int, bool]:
    for step in range(1, max_steps + 1):
        z_next = f(z)
        if bool((z_next - z).norm() <= tol):
            return z_next, step, True
        z = z_next
    return z, max_steps, False


def _frozen(f: Map, z: torch.Tensor, tol: float, max_steps: int) -> tuple[torch.Tensor, int, bool]:
    return z, max_steps, False


def _always(f: Map, z: torch.Tensor, tol: float, max_steps: int) -> tuple[torch.Tensor, int, bool]:
    z, steps, _ = picard(f, z, tol, max_steps)
    return z, steps, True


def _too_lax(seen: Sequence[Seen]) -> bool:
    """Stopped near 2e-7 once |f(z) - z| itself was below tol (in some norm), which is several steps too early."""
    f, start, tol, _ = seen[2].args
    parts = _parts(seen[2].given)
    if parts is None or not parts[2] or _settled(seen[2]):
        return False
    z = parts[0]
    gap = float((f.fresh()(z) - z).norm())
    return gap <= 2 * tol and bool((z - start).norm() > 0.1 * start.norm())


def _stays(seen: Sequence[Seen]) -> bool:
    """z, or f(z), of the start came back wherever the start is not the answer."""
    for one in seen[:3]:
        parts, (f, start, *_) = _parts(one.given), one.args
        if parts is None or not any(torch.equal(parts[0], z) for z in (start, f.fresh()(start))):
            return False
    return True


def _claims_all(seen: Sequence[Seen]) -> bool:
    parts = _parts(seen[3].given)
    return parts is not None and parts[2] and all(map(_settled, seen[:3]))


def rate(J: torch.Tensor) -> torch.Tensor:
    """Return the factor by which a small error finally shrinks per step, for a Jacobian J, (n, n)."""
    return torch.linalg.eigvals(J).abs().max()


def _jacobians(generator: torch.Generator) -> list[Args]:
    """A turn, growth before decay, a negative eigenvalue, and a turn in slanted coordinates."""
    turn, fast = uniform(generator, 0.7, 1.3), uniform(generator, 0.85, 0.95)
    slanted = torch.tensor([[1.0, uniform(generator, 1.0, 2.0)], [0.0, 1.0]], dtype=torch.float64)
    tilt, pair = rotation(uniform(generator, 0.2, 1.3)), torch.tensor([-uniform(generator, 0.9, 0.97), 0.5]).double()
    grows = torch.tensor([[fast, uniform(generator, 4, 6)], [0.0, uniform(generator, 0.7, 0.8)]], dtype=torch.float64)
    return [
        (uniform(generator, 0.85, 0.95) * rotation(turn),),
        (grows,),
        (tilt @ pair.diag() @ tilt.T,),
        (0.8 * slanted @ rotation(turn + 0.2) @ torch.linalg.inv(slanted),),
    ]


def _largest_gain(J: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_norm(J, 2)


def _real_part(J: torch.Tensor) -> torch.Tensor:
    return torch.linalg.eigvals(J).real.max()


def _power(J: torch.Tensor) -> torch.Tensor:
    v = torch.ones(len(J), dtype=J.dtype)
    for _ in range(200):
        v = J @ v / (J @ v).norm()
    return (v @ J @ v).abs()


def _no_direction(seen: Sequence[Seen]) -> bool:
    """Right where one direction wins, but of a turn only what it keeps of its direction."""
    turn, others = seen[0], [float(as_tensor(one.given).abs() - one.want) for one in seen[1:3]]  # type: ignore[union-attr]
    kept = float(turn.args[0][0, 0])
    return max(map(abs, others)) < 1e-3 and abs(abs(float(turn.given)) - kept) < 1e-6


def _grows(seen: Seen) -> str:
    given, want = float(seen.given), float(seen.want)
    head = f"For {spelled(seen.args[0])} you say {four(given)}"
    return f"{head}; the first step may stretch an error that much, but the tail shrinks by {four(want)}."


def _by_real_part(seen: Seen) -> str:
    return (
        f"For {spelled(seen.args[0])} you say {four(float(seen.given))}, and errors shrink by {four(float(seen.want))} "
        "a step. -0.95 shrinks by 0.95 a step, and so does 0.95 e^{1i}: the real part is not the size."
    )


def _by_power(seen: Seen) -> str:
    return (
        f"{four(float(seen.want))} x rotation has no direction to settle in: you report {four(float(seen.given))}. "
        "A complex pair needs its eigenvalues."
    )


def anderson_weights(G: torch.Tensor) -> torch.Tensor:
    """Return weights (m,) that sum to 1 and make |sum a_i g_i| smallest; the rows of G, (m, n), are residuals."""
    H = G @ G.T  # (m, m)
    ridge = 1e-10 * H.trace() * torch.eye(len(G), dtype=G.dtype)
    a = torch.linalg.solve(H + ridge, torch.ones(len(G), dtype=G.dtype))
    return a / a.sum()


def _residuals(generator: torch.Generator) -> list[Args]:
    """Two nearly parallel residuals, the second half as long, and three of no order."""
    near = torch.tensor([[1.0, 0.0], [uniform(generator, 0.4, 0.6), 0.01]], dtype=torch.float64)
    turned = near @ rotation(uniform(generator, 0.0, 6.0)).T * uniform(generator, 0.5, 2.0)
    return [(turned,), (normal(generator, 3, 8),)]


def _zeros(G: torch.Tensor) -> torch.Tensor:
    return torch.zeros(len(G), dtype=G.dtype)


def _equal(G: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(G), dtype=G.dtype) / len(G)


def _clipped(G: torch.Tensor) -> torch.Tensor:
    a = anderson_weights(G).clamp(min=0)
    return a / a.sum()


def _none_negative(seen: Sequence[Seen]) -> bool:
    """No weight below 0, all of it on the better residual of the first case, and a sum of 1 in each."""
    weights = [as_tensor(one.given) for one in seen]
    if any(w is None or w.shape != (len(one.args[0]),) for w, one in zip(weights, seen, strict=True)):
        return False
    sums = all(
        w is not None and math.isclose(float(w.sum()), 1, abs_tol=1e-6) and float(w.min()) > -1e-9 for w in weights
    )
    return sums and weights[0] is not None and float(weights[0][1]) > 0.999


EXERCISES = [
    Exercise(
        id="01a",
        title="Iterate",
        statement=(
            "Apply `f` again and again, and stop when |f(z) - z| <= tol |f(z)|.\n\n`f` takes and returns tensors of "
            "shape (n,), `z` is the start. Return three things: the last z, how many times you applied `f`, and "
            "whether it converged. Stop without success after `max_steps`."
        ),
        right=picard,
        cases=_maps,
        accepts=_settled,
        wrong=(
            Wrong(
                "frozen",
                _frozen,
                "Your z after 200 steps is z0, or one step from it: replace z at each step.",
                sign=_stays,
            ),
            Wrong("always", _always, "z -> 1 - z jumps 0, 1, 0, 1; not converging is an answer too.", sign=_claims_all),
            Wrong(
                "absolute",
                _absolute,
                "At the fixed point 2e4 your stop is far too strict, at 2e-7 far too lax: divide by |f(z)|.",
                sign=_too_lax,
            ),
        ),
        hints=("Three lines: apply, measure, replace.", "Return `False` only after the loop."),
    ),
    Exercise(
        id="01b",
        title="The rate",
        statement=(
            "Near a fixed point a small error e becomes J e at each step. Return the factor by which it finally "
            "shrinks per step.\n\n`J` has shape (n, n); return one number."
        ),
        right=rate,
        cases=_jacobians,
        wrong=(
            Wrong("norm", _largest_gain, _grows),
            Wrong("real", _real_part, _by_real_part),
            Wrong("power", _power, _by_power, sign=_no_direction),
        ),
        hints=("Which numbers are multiplied at each step?", "`torch.linalg.eigvals(J).abs().max()`"),
    ),
    Exercise(
        id="01c",
        title="Anderson's weights",
        statement=(
            "Weigh the last residuals: find weights a that sum to 1 and make |sum a_i g_i| smallest.\n\nThe rows of "
            "`G`, shape (m, n), are the residuals; return m numbers. They may be negative."
        ),
        right=anderson_weights,
        cases=_residuals,
        tolerance=1e-3,
        wrong=(
            Wrong("zeros", _zeros, "Zero weights give a zero residual and no new point: they must sum to 1."),
            Wrong(
                "equal",
                _equal,
                "You average; try residuals 1 and 0.5: the better one deserves more, even more than 1.",
            ),
            Wrong(
                "clipped",
                _clipped,
                "Weights may be negative: that is extrapolation, and all the speed.",
                sign=_none_negative,
            ),
        ),
        hints=(
            "Lagrange: `G @ G.T @ a = c * ones`, with c still free.",
            "`solve` with ones, then divide by the sum; a ridge relative to the trace keeps it solvable.",
        ),
    ),
]
