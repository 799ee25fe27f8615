r"""Can a model with a clock retell a DEQ's iterates :math:`z_0, z_1, z_2, ..`, for every x, or round one fixed point?

For every x the limit is another one, so the eigenvalue 1 needs many eigenfunctions: x itself is conserved, and every
function of x is one. Decaying modes are shared by all x, although each x has a Jacobian of its own: what that costs is
measured. Round one x the decaying modes are to be the eigenvalues of the Jacobian there.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning.recipes.distillation import between, relative_error
from simviz.learning.recipes.invariant_sets import invariant_set_run
from simviz.learning.run import Run
from simviz.learning.tails import peak_angles
from simviz.learning.task import Task
from simviz.learning.teachers import Teacher
from simviz.models.bases import FullyConnected
from simviz.models.deq import DEQ
from simviz.models.propagators import Modes
from simviz.models.sim import SIM

HARMONICS, HIDDEN = 3, 128
MOST_HARMONICS = 8
JUDGED = 20
"""Steps over which a retold orbit is judged."""
LATE = 200
"""Steps after which an orbit that comes to rest is taken to be there."""
QUIET = 0.02
"""Round a fixed point errors count relative to the cloud's size at each step, down to this share of its first one."""
CLOUD, CLOUD_SIZE = 400, 0.1
WIDE = 1.0
"""Standard deviation of the cloud that finds the loop."""


def distil_orbits(teacher: DEQ, x: Any, **options: Any) -> SIM:
    """Return a SIM trained to retell the teacher's iterates, `sim.orbit(x, t)` for z_t(x); see `distil_orbits_run`.

    >>> from simviz.models.deq import Tanh
    >>> sim = distil_orbits(DEQ(Tanh(2, 3, gain=0.5), nn.Identity()), torch.randn(64, 2), count=256, training=5)
    >>> sim.orbit(torch.randn(4, 2), [0, 1, 2]).shape
    torch.Size([4, 3, 3])
    """
    run = distil_orbits_run(teacher, x, **options)
    for _ in run:
        pass
    sim = run.model.eval()
    assert isinstance(sim, SIM)
    return sim


def distil_orbits_run(
    teacher: DEQ,
    x: Any,
    *,
    frequencies: int = 0,
    fixed: int = 16,
    decaying: int = 8,
    steps: int = 40,
    count: int = 4000,
    training: int = 2000,
    seed: int = 0,
    device: str = "auto",
) -> Run:
    """Return the run that fits Modes to the iterates z_t(x), t = 0 .. steps, of a teacher from its own z0.

    teacher: a DEQ with a flat state; x: (samples, ...) examples of its inputs, between which `count` are drawn to learn
    from and 500 to be judged on; frequencies: 0 where iteration settles, 1 where it circles; fixed: observables that
    no step changes; decaying: eigenvalues inside, shared by all x; training: steps of it. Metrics on inputs held out:
    "relative error" over t = 1 .. 20, and "limit error", of sim(x) against z after 200 steps. Raises ValueError for
    another teacher, inputs it does not take, frequencies above 1.
    """
    if not isinstance(teacher, DEQ):
        raise ValueError(f"teacher must be a DEQ, got {type(teacher).__name__}")
    if checks.positive_int("frequencies", frequencies, 0) > 1:
        raise ValueError(f"frequencies must be 0 (iteration settles) or 1 (it circles), got {frequencies}")
    examples = checks.tensor("x", x).to(torch.get_default_dtype())
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    seen, fresh = (between(examples, n, generator) for n in (checks.positive_int("count", count, 2), 500))
    steps = checks.positive_int("steps", steps, JUDGED)
    told, judged = _iterates(teacher, seen, steps), _iterates(teacher, fresh, LATE)
    start = peak_angles(told, frequencies) if frequencies else None
    loss = functools.partial(_told, times=torch.arange(steps + 1), weights=torch.ones(steps + 1))
    task = Task("iterates", (seen, told), (fresh, judged), loss, _judged, goal="relative error", larger=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modes = Modes(frequencies, HARMONICS, decaying, fixed=fixed, unit_phases=False, start=start)
        basis = FullyConnected(examples[0].numel(), modes.inputs, hidden=HIDDEN, activation=nn.GELU)
        sim = SIM(basis, modes, nn.Identity(), nn.Linear(modes.outputs, told.shape[2]))
    return Run(
        sim, task, lr=3e-3, batch_size=128, seed=seed, max_steps=checks.positive_int("training", training),
        measure_every=max(1, training // 10), device=device,
    )  # fmt: skip


def near_run(
    teacher: Teacher, *, decaying: int = 4, size: float = CLOUD_SIZE, training: int = 800, seed: int = 0
) -> Run:
    """Return the run that fits decaying Modes to a cloud's iterates round the teacher's fixed point, at its one x.

    Basis and decoder are linear, and states are counted from z*: close to it that is all there is. decaying:
    eigenvalues, even; size: standard deviation of the cloud, in each number; training: steps. Metric: "relative error"
    over the steps that were fitted, of orbits held out. Raises ValueError for a teacher whose radius is 1 or more.
    """
    if not teacher.radius < 1:
        raise ValueError(
            f"teacher must have a radius below 1, where iteration comes back to z*, got {teacher.radius:g}"
        )
    steps = min(40, max(6, math.ceil(math.log(QUIET) / math.log(teacher.radius))))
    cloud = teacher.cloud(CLOUD, checks.positive("size", size), seed)
    states = ((teacher.iterates(cloud, steps) - teacher.z_star[:, None]) / size).float()
    rms = states.square().mean((0, 2)).sqrt()  # (steps + 1,)
    weights = 1 / (rms + QUIET * rms[0]).square()
    weights[0] = 0.0  # what is not in these few modes is gone after a step
    loss = functools.partial(_told, times=torch.arange(steps + 1), weights=weights)
    metrics = functools.partial(_near, weights=weights)
    held = len(states) // 5
    train, test = states[held:], states[:held]
    task = Task("iterates near z*", (train[:, 0], train), (test[:, 0], test), loss, metrics)
    units = states.shape[2]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(checks.positive_int("seed", seed, 0))
        modes = Modes(0, decaying=decaying)
        angle = peak_angles((states / rms[:, None]).double())[0]
        with torch.no_grad():
            modes.rho.copy_(torch.linspace(1.0, -1.5, decaying // 2))  # moduli 0.73 .. 0.18
            modes.omega.fill_(angle)  # of the slowest pair, as the states show it
        sim = SIM(nn.Linear(units, decaying, bias=False), modes, nn.Identity(), nn.Linear(decaying, units))
    return Run(
        sim, task, lr=2e-2, batch_size=128, seed=seed, max_steps=checks.positive_int("training", training),
        measure_every=max(1, training // 10), optimizer="adam", device="cpu",
    )  # fmt: skip


def loop_run(teacher: Teacher, *, training: int = 1500, seed: int = 0) -> Run:
    """Return the run that learns the loop on which iteration circles past the bifurcation, at the teacher's one x.

    It learns from the iterates of a wide cloud, once these are near the loop (`on_the_loop`); states are the cell's
    own, and of the turn's harmonics only those are kept that its whole steps can tell from the others (Nyquist), at
    most 8. training: steps. Raises ValueError for a teacher whose radius is not above 1.
    """
    orbits = on_the_loop(teacher, seed=seed).float()
    told_apart = int(math.pi / peak_angles(orbits)[0])
    return invariant_set_run(
        orbits, 1.0, seed=seed, steps=training, harmonics=min(max(told_apart, 1), MOST_HARMONICS), device="cpu"
    )


def on_the_loop(teacher: Teacher, count: int = 300, steps: int = 100, seed: int = 0) -> torch.Tensor:
    """Return iterates that have come near the loop, (count, steps + 1, units) float64: of a cloud, its way left out.

    The way takes about 2 / (radius - 1) steps, in which what is off the loop shrinks to a fiftieth; at most 400.
    """
    if not teacher.radius > 1:
        raise ValueError(f"teacher must have a radius above 1 for a loop to be there, got {teacher.radius:g}")
    way = min(400, math.ceil(2 / (teacher.radius - 1)))
    return teacher.iterates(teacher.cloud(count, WIDE, seed), way + steps)[:, way:]


@torch.no_grad()
def _iterates(teacher: DEQ, x: torch.Tensor, steps: int) -> torch.Tensor:
    """(n, ...) -> (n, steps + 1, units): plain iteration of the teacher's cell from its own z0."""
    place = next(teacher.parameters(), x)
    seen = x.to(place) if teacher.encoder is None else teacher.encoder(x.to(place))
    z = teacher.cell.initial(seen)
    states = [z]
    for _ in range(steps):
        z = teacher.cell(z, seen)
        states.append(z)
    return torch.stack(states, 1).flatten(2).to(x)


def _told(sim: SIM, x: torch.Tensor, z: torch.Tensor, *, times: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean square error of the retold orbit, weighted step by step."""
    miss = sim.orbit(x, times.to(x)) - z  # (batch, steps + 1, units)
    return (miss.square() * weights.to(z)[:, None]).mean()


def _judged(sim: SIM, x: torch.Tensor, z: torch.Tensor) -> dict[str, float]:
    """Relative error of the orbit over the first steps, and of the limit against where iteration is late."""
    orbit = sim.orbit(x, torch.arange(1, JUDGED + 1).to(x))
    return {
        "relative error": relative_error(orbit, z[:, 1 : JUDGED + 1]),
        "limit error": relative_error(sim(x), z[:, -1]),
    }


def _near(sim: SIM, x: torch.Tensor, z: torch.Tensor, *, weights: torch.Tensor) -> dict[str, float]:
    """The error of each step relative to the cloud's size at that step."""
    miss = sim.orbit(x, torch.arange(z.shape[1]).to(x)) - z
    size = z.square() * weights.to(z)[:, None]
    return {"relative error": float(((miss.square() * weights.to(z)[:, None]).sum() / size.sum()).sqrt())}
