"""Chapter 08: how far a student is from its teacher, and how far an orbit's invariants move."""

from __future__ import annotations

import torch

from simviz.course.answers import number
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import normal, rotation, uniform
from simviz.course.wording import four


def relative_error(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the mean over samples of |s - t| / |t|, 0-dimensional; student and teacher (n, d), no row of t zero."""
    return ((student - teacher).norm(dim=1) / teacher.norm(dim=1)).mean()


def _batches(generator: torch.Generator) -> list[Args]:
    """Samples of very different size, with an error that is in no proportion to it, then in rough proportion."""
    cases: list[Args] = []
    for n, d, own, common in ((20, 8, 0.0, 0.2), (12, 3, 0.5, 0.0)):
        size = torch.exp(2 * torch.linspace(-1, 1, n, dtype=torch.float64) + 0.3 * normal(generator, n))[:, None]
        direction = normal(generator, n, d)
        teacher = size * direction / direction.norm(dim=1, keepdim=True)  # (n, d)
        cases.append((teacher + (common + own * size) * normal(generator, n, d), teacher))
    return cases


def _mean_square(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).square().mean()


def _square_a_sample(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).square().sum(1).mean()


def _root_mean_square(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).square().mean().sqrt()


def _distance(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).norm(dim=1).mean()


def _of_the_batch(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).norm() / teacher.norm()


def _means_divided(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return (student - teacher).norm(dim=1).mean() / teacher.norm(dim=1).mean()


def _by_student(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    return relative_error(teacher, student)


def invariance_defect(V: torch.Tensor, phi_orbit: torch.Tensor) -> torch.Tensor:
    """Return max over t of |V^T phi_t - V^T phi_0| / |V^T phi_0|, 0-dimensional.

    V: (d, r). phi_orbit: (T, d), the features along an orbit, the first row at its start.
    """
    kept = phi_orbit @ V  # (T, r)
    return (kept - kept[0]).norm(dim=1).max() / kept[0].norm()


def _orbits(generator: torch.Generator) -> list[Args]:
    """A linear orbit in slanted coordinates that settles; V holds still, then leans a little, then leans to a turn."""
    T, d = 60, 5
    turn = uniform(generator, 0.75, 0.85) * rotation(uniform(generator, 0.6, 1.2))
    one, slow = torch.eye(2).double(), torch.tensor([[uniform(generator, 0.82, 0.88)]], dtype=torch.float64)
    B = torch.block_diag(one, slow, turn)  # (d, d): two modes stay, one fades, two turn and fade
    now = torch.sign(normal(generator, d)) * (0.5 + torch.rand(d, generator=generator, dtype=torch.float64))
    modes = [now]
    for _ in range(T - 1):
        modes.append(B @ modes[-1])
    slanted = torch.eye(d).double() + 0.3 * normal(generator, d, d) / d**0.5
    phi_orbit = torch.stack(modes) @ slanted  # (T, d)
    left = torch.linalg.inv(slanted)  # (d, d): phi_orbit @ left are the modes
    still, leans = left[:, :2], left[:, :1] + uniform(generator, 0.2, 0.5) * left[:, 2:3]
    turns = left[:, :2] + uniform(generator, 0.3, 0.6) * left[:, 3:]
    return [(still, phi_orbit), (leans, phi_orbit), (turns, phi_orbit)]


def _successive(V: torch.Tensor, phi_orbit: torch.Tensor) -> torch.Tensor:
    kept = phi_orbit @ V
    return kept.diff(dim=0).norm(dim=1).max() / kept[0].norm()


def _of_phi(V: torch.Tensor, phi_orbit: torch.Tensor) -> torch.Tensor:
    return (phi_orbit - phi_orbit[0]).norm(dim=1).max() / phi_orbit[0].norm()


def _last_step(V: torch.Tensor, phi_orbit: torch.Tensor) -> torch.Tensor:
    kept = phi_orbit @ V
    return (kept[-1] - kept[-2]).norm() / kept[0].norm()


def _adds_up(seen: Seen) -> str:
    given, want = four(number(seen.given)), four(number(seen.want))
    return f"Small steps add up: the largest is {given}, the way from the start {want}; compare with the start."


EXERCISES = [
    Exercise(
        id="08a",
        title="How good is the student?",
        statement=(
            "Return the relative error of a student's answers: the mean over samples of |s - t| / |t|.\n\n`student` "
            "and `teacher` have shape (n, d), a row for each sample; return one number."
        ),
        right=relative_error,
        cases=_batches,
        wrong=(
            Wrong(
                "square",
                _mean_square,
                "Scale the teacher by 10, and its student with it: yours changes.",
                also=(_square_a_sample, _root_mean_square, _distance),
            ),
            Wrong(
                "batch",
                _of_the_batch,
                "Large samples drown small ones: compute it per sample.",
                also=(_means_divided,),
            ),
            Wrong(
                "student",
                _by_student,
                "A student of zeros would look infinitely bad, a huge one only 1 off: divide by the teacher.",
            ),
        ),
        hints=("Per sample first.", "`norm(dim=1)`"),
    ),
    Exercise(
        id="08b",
        title="What the orbit keeps",
        statement=(
            "If V^T phi is an invariant, no step changes it. Return how far it moves: the largest, over t, of "
            "|V^T phi_t - V^T phi_0| / |V^T phi_0|.\n\n`V` has shape (d, r); `phi_orbit`, shape (T, d), holds the "
            "features along an orbit, its first row at the start. Return one number."
        ),
        right=invariance_defect,
        cases=_orbits,
        wrong=(
            Wrong("successive", _successive, _adds_up),
            Wrong("raw", _of_phi, "phi may move; only V^T phi must not."),
            Wrong("last", _last_step, "An orbit that has settled always passes that."),
        ),
        hints=("What is conserved?", "Subtract row 0 of `phi_orbit @ V`."),
    ),
]
