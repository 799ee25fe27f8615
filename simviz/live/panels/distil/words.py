"""How well does a SIM stand in for a DEQ? One sentence for either page, in measured numbers."""

from __future__ import annotations

from simviz.live.panels.distil.answers import KINDS, Answers
from simviz.live.panels.distil.orbits import Orbits
from simviz.records import Status


def answers_sentence(record: Answers) -> str:
    """Return which student is learning, and the mean error of each kind at the largest rank that both have."""
    if not record.students:
        return "The teacher answers z*(x); press Start to teach SIMs of growing rank, each beside a plain net"
    last = record.students[-1]
    doing = ""
    if last.error is None:
        doing = f"{last.kind} of rank {last.rank}, seed {last.seed}: step {last.done} of {record.training}; "
    means = {kind: dict(record.means(kind)) for kind in KINDS}
    both = sorted(set.intersection(*(set(errors) for errors in means.values())))
    if not both:
        return f"{doing}no error is measured yet".removesuffix("; ")
    rank = both[-1]
    said = ", ".join(f"{kind} {100 * means[kind][rank]:.1f} %" for kind in KINDS)
    count = min(sum(1 for seed in range(record.seeds) if rank in dict(record.errors(k, seed))) for k in KINDS)
    return f"{doing}rank {rank}: relative error on held-out inputs {said}, mean over {count} seed{'s' * (count != 1)}"


def orbits_sentence(record: Orbits) -> str:
    """Return how Picard and Anderson end, and what the SIM has found."""
    known = record.situation
    found = known.teacher
    begun = f"radius {found.radius:.2f}: {_picard(record)}; {_anderson(record)}"
    if record.spectrum is None:
        return f"{begun}; press Start: will the SIM's crosses meet the circles?"
    done = "" if record.share == 1 else f", {100 * record.share:.0f} % trained"
    if found.radius < 1:
        return f"{begun}; the SIM's nearest eigenvalue is {record.nearest:.2g} from the Jacobian's leading one{done}"
    return (
        f"{begun}; the SIM's turn on the circle, the Jacobian's leading pair stands outside, and the phase strays by "
        f"at most {record.defect:.2g} from turning evenly along the iterates{done}"
    )


def _picard(record: Orbits) -> str:
    solution = record.situation.picard
    if solution.status[0] is Status.CONVERGED:
        return f"Picard arrives after {int(solution.evaluations[0])} evaluations"
    if record.situation.teacher.radius < 1:
        return f"Picard is still on its way after {int(solution.evaluations[0])} evaluations"
    return f"Picard circles, |f(z) - z| stays at {float(solution.residual[0]):.2g}"


def _anderson(record: Orbits) -> str:
    solution = record.situation.anderson
    if solution.status[0] is not Status.CONVERGED:
        return "Anderson runs out of steps"
    after = f"after {int(solution.evaluations[0])}"
    if record.situation.teacher.radius < 1:
        return f"Anderson {after}"
    return f"Anderson returns the unstable point {after}"
