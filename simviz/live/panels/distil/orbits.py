"""What do three ways say of one fixed point? Jacobian, EDMD and a SIM, with what Picard and Anderson do from z0."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics import koopman
from simviz.equilibria import Anderson, Picard, solve
from simviz.learning.judge import one_turn
from simviz.learning.recipes import loop_run, near_run
from simviz.learning.recipes.iterates import CLOUD_SIZE
from simviz.learning.run import Run
from simviz.learning.teachers import Teacher, teacher
from simviz.models.propagators import Modes
from simviz.models.sim import SIM
from simviz.records import Solution, Spectrum

PICARD_STEPS, ANDERSON_STEPS = 120, 60
RTOL = 1e-6
SNAPSHOTS = 200
PATH = 60
"""Iterates that are drawn."""
START = 0.4
"""How far from z* they begin, in units of the two directions."""
EDGE = 1e-6
"""Radius 1 is taken so little below: there is no loop yet."""


@dataclass(frozen=True)
class Situation:
    """A teacher, and all that is known of it before anything is learned.

    jacobian, edmd: spectra (n,); picard, anderson: solves from z0; frame: (2, units), the plane in which iteration
    turns; path: (PATH + 1, units), the iterates; start: the first of them.
    """

    teacher: Teacher
    jacobian: Spectrum
    edmd: Spectrum
    picard: Solution
    anderson: Solution
    frame: torch.Tensor
    path: torch.Tensor

    def seen(self, states: torch.Tensor) -> np.ndarray:
        """(n, units) -> (n, 2): states counted from z*, in the plane in which iteration turns."""
        return ((states.double() - self.teacher.z_star) @ self.frame.T).numpy()


@dataclass(frozen=True)
class Orbits:
    """A situation and what the SIM says of it: its spectrum and its orbit (n, units), None before it is trained.

    share: of its training that is done; nearest: the distance of its eigenvalues to the Jacobian's leading one; defect:
    along the teacher's iterates, how far the phase strays from turning evenly, of a loop, else None.
    """

    situation: Situation
    spectrum: Spectrum | None
    orbit: torch.Tensor | None
    share: float
    nearest: float | None
    defect: float | None


@functools.lru_cache(maxsize=32)
def situation(radius: float, seed: int) -> Situation:
    """Return what is known of the teacher with this radius and seed."""
    found = teacher(1 - EDGE if radius == 1 else radius, seed)
    jacobian = found.spectrum()
    values, vectors = torch.linalg.eig(_matrix(found))
    leading = vectors[:, values.abs().argmax()]
    frame = torch.linalg.qr(torch.stack([leading.real, leading.imag], 1)).Q.T  # (2, units)
    cloud = found.iterates(found.cloud(SNAPSHOTS, CLOUD_SIZE, seed), 6) - found.z_star
    edmd = koopman.edmd_orbits(cloud, koopman.Monomials(1), dt=1.0).spectrum
    size = START if found.radius >= 1 else START / 4  # near a stable z*, where its linear part is all there is
    start = found.z_star + size * (2 * frame[0] + frame[1])[None]
    with torch.no_grad():
        picard = solve(found.cell, start, found.x, Picard(), rtol=RTOL, max_steps=PICARD_STEPS)
        anderson = solve(found.cell, start, found.x, Anderson(), rtol=RTOL, max_steps=ANDERSON_STEPS)
    one = dataclasses.replace(jacobian, eigenvalues=jacobian.eigenvalues[0])
    return Situation(found, one, edmd, picard, anderson, frame, found.iterates(start, PATH)[0])


def _matrix(found: Teacher) -> torch.Tensor:
    """(units, units): df/dz at z*."""
    z, x = found.z_star[0], found.x
    jacobian = torch.autograd.functional.jacobian(lambda s: found.cell(s[None], x)[0], z)
    assert isinstance(jacobian, torch.Tensor)
    return jacobian


def run_of(known: Situation, seed: int) -> Run:
    """Return the run that teaches a SIM this situation: round the fixed point, or on the loop past it."""
    found = known.teacher
    return near_run(found, seed=seed) if found.radius < 1 else loop_run(found, seed=seed)


@torch.no_grad()
def orbits(known: Situation, run: Run | None) -> Orbits:
    """Return what the SIM of a run says as it is now; run: None before training."""
    if run is None or run.step == 0:
        return Orbits(known, None, None, 0.0, None, None)
    with run.lock:
        sim = run.model
        assert isinstance(sim, SIM)
        modes = sim.propagator
        assert isinstance(modes, Modes)
        spectrum = sim.spectrum()
        share = run.step / run.total_steps
        values = known.jacobian.eigenvalues
        leading = values[values.abs().argmax()]
        nearest = float((spectrum.eigenvalues.to(leading) - leading).abs().min())
        if known.teacher.radius < 1:
            start = ((known.path[:1] - known.teacher.z_star) / CLOUD_SIZE).float()
            orbit = known.teacher.z_star + CLOUD_SIZE * sim.orbit(start, torch.arange(PATH + 1.0))[0].double()
            return Orbits(known, spectrum, orbit, share, nearest, None)
        turn = sim.shadow(known.path[-1:].float(), one_turn(sim, 100))[0].double()
        late = known.path[PATH // 2 :].float()
        turned = modes.phases(sim.observables(late))[:, 0]  # (n,)
        waits = turned - modes.base_angles[0] * torch.arange(len(late))
        strays = torch.polar(torch.ones_like(waits), waits)
        defect = float((strays - strays[0]).abs().max())
        return Orbits(known, spectrum, torch.cat([turn, turn[:1]]), share, nearest, defect)
