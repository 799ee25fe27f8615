"""What do orbits come to, how many such sets are there, and which start comes to which? A survey, in small slices."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics.orbits import Classification, classify
from simviz.dynamics.systems import Flow, Oscillator, System
from simviz.live.panels.sets import follow

STEPS, APART = {True: 1600, False: 3000}, 4
"""Steps that a survey follows every start for, a flow's or a map's; those of a flow are so many for the eye in one."""
MOST_SETS = 4
"""Basins that are told apart; where there are more sets, every orbit has one of its own."""
ORBITS, LINE = 6, 800
"""Orbits drawn as lines, and their steps, of half a step for the eye; a set is drawn by so many as well."""
_LEADERS, _FEWEST, _MOST_OF = 12, 0.05, 0.8
"""Sets are sought until there are so many; those of fewer starts are left out; the rest must hold most starts."""
CLOSE = 1e-4
_SLICE = 50
_TAIL, _SEEN = 100, 24
_NEAR, _SPACINGS = 0.02, 3.5
"""Two orbits end in the same set where most of one's tail is this near to the other's: a share of the reach, and so
many times the distance between the other's own points."""


@dataclass(frozen=True)
class Survey:
    """What is found of a system by following `count` starts for a long time.

    dt: between two states of an orbit and of a tail; labels: (count,) the number of the set that each start comes to,
    -1 where it escapes or is still on its way; dot_labels: the same of the dots; escaped: how many starts do; sets: one
    Classification each; tails: (LINE + 1, dim) of an orbit in each set; orbits: (ORBITS, LINE + 1, dim) from their
    starts; ends: (points, dim), late states of all orbits; fixed_points: (n, dim) and stable: (n,), those known; own:
    every orbit has a set of its own, and `sets` and `tails` hold one of them.
    """

    system: System
    dt: float
    labels: np.ndarray
    dot_labels: np.ndarray
    escaped: int
    sets: tuple[Classification, ...]
    tails: tuple[np.ndarray, ...]
    orbits: np.ndarray
    ends: np.ndarray
    fixed_points: np.ndarray
    stable: np.ndarray
    own: bool = False

    @property
    def kind(self) -> str:
        """The kind that all sets share; "" where they differ, where there is none, or one for every orbit."""
        kinds = {one.kind for one in self.sets}
        return kinds.pop() if len(kinds) == 1 and not self.own else ""

    @property
    def counts(self) -> tuple[int, ...]:
        """How many starts come to each set."""
        return tuple(int((self.labels == number).sum()) for number in range(len(self.sets)))

    def words(self) -> str:
        """Return what orbits come to in a few words: "loop, period 6.663", "two points, for 143 and 157 starts"."""
        if not self.sets:
            return "all orbits escape"
        if self.own:
            return f"every orbit keeps a set of its own (here: {self._named()})"
        parts = [self._named()]
        if len(self.sets) > 1:
            named = {"fixed point": "points", "cycle": "loops", "closed curve": "loops", "torus": "tori"}
            whole = " and ".join(str(c) for c in self.counts)
            parts = [
                f"{('two', 'three', 'four')[len(self.sets) - 2]} {named.get(self.kind, 'sets')}, for {whole} starts"
            ]
        waiting = int((self.labels < 0).sum()) - self.escaped
        parts += [f"{self.escaped} escape"] if self.escaped else []
        parts += [f"{waiting} still on their way"] if waiting > 0 else []
        return "; ".join(parts)

    def _named(self) -> str:
        first = self.sets[0]
        if first.kind == "cycle" and first.period:
            flow = isinstance(self.system, Flow)
            return f"loop, period {first.period:.4g}" if flow else f"loop of {first.period:.0f} points"
        if first.kind == "closed curve" and first.rotation_number:
            return f"loop, {2 * math.pi * first.rotation_number:.4g} radians a step"
        if first.kind == "torus" and first.frequencies:
            return f"torus, frequencies {' and '.join(f'{f:.4g}' for f in first.frequencies)}"
        words = {"fixed point": "point", "undecided": "undecided, no kind fits these orbits yet"}
        return words.get(first.kind, first.kind)


Work = Generator[None, None, Survey]


@torch.no_grad()
def surveying(system: System, starts: np.ndarray, pace: float, dots: np.ndarray | None = None) -> Work:
    """Follow starts (count, dim) and return the Survey; yields every few hundredths of a second.

    A generator: its return value is the survey. pace: time of a step for the eye, 1 for a map; dots: other states,
    (n, dim), of which only the set that they come to is asked. See `survey` for the whole at once.
    """
    flow = isinstance(system, Flow)
    dt = APART * pace if flow else 1.0
    given = starts if dots is None else np.concatenate([starts, dots])
    states, count = [torch.as_tensor(given, dtype=torch.float64)], len(starts)
    for number in range(STEPS[flow]):
        if number % _SLICE == 0:
            fine = follow.substeps(system, states[-1], dt, CLOSE)
            yield
        states.append(follow.advance(system, states[-1], dt, fine))
    whole = torch.stack(states, 1)  # (count, steps + 1, dim)
    tails = whole[:, whole.shape[1] // 2 :]
    yield
    labels, leaders, own = _sorted_out(tails, system.reach)
    kept: list[tuple[int, Classification]] = []
    for number, leader in enumerate(leaders):
        yield
        kept.append((number, classify(whole[leader], dt if flow else None)[0]))
    if len(kept) > 1 and not all(one.kind == "undecided" for _, one in kept):
        kept = [pair for pair in kept if pair[1].kind != "undecided"]
    renamed = torch.full_like(labels, -1)
    for new, (old, _) in enumerate(kept):
        renamed[labels == old] = new
    drawn, line = (
        dt / (2 * APART) if flow else 1.0,
        [torch.cat([states[0][:ORBITS], states[-1][[leaders[i] for i, _ in kept]]])],
    )
    for number in range(LINE):
        if number % _SLICE == 0:
            fine = follow.substeps(system, line[-1], drawn, CLOSE)
            yield
        line.append(follow.advance(system, line[-1], drawn, fine))
    lines = torch.stack(line, 1).numpy()  # (ORBITS + sets, LINE + 1, dim)
    tails = tails[:, torch.linspace(0, tails.shape[1] - 1, _TAIL).round().long()]  # (count, _TAIL, dim)
    settled = tails[:count][torch.isfinite(tails[:count]).all(-1).all(-1)]
    points, stable = _fixed_points(system)
    return Survey(
        system=system, dt=drawn, labels=renamed[:count].numpy(),
        dot_labels=renamed[-count if dots is None else count :].numpy(),
        escaped=int((~torch.isfinite(whole[:count, -1]).all(-1)).sum()),
        sets=tuple(one for _, one in kept), tails=tuple(lines[ORBITS:]),
        orbits=lines[:ORBITS], ends=settled.reshape(-1, system.dim).numpy(),
        fixed_points=points, stable=stable, own=own,
    )  # fmt: skip


def survey(system: System, starts: np.ndarray, pace: float) -> Survey:
    """Follow starts (count, dim) of a system for a long time and say what they come to."""
    return finished(surveying(system, starts, pace))


def finished(work: Generator[None, None, Survey]) -> Survey:
    """Do all that is left of a work in slices, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _sorted_out(tails: torch.Tensor, reach: float) -> tuple[torch.Tensor, list[int], bool]:
    """(count, times, dim) -> the set that each tail belongs to, -1 for none, and one tail of each set; True where
    nearly every tail is a set of its own, and then one of them.

    One after the other: what lies along a known set belongs to it, and the next that does not leads a new one.
    """
    labels = torch.full((len(tails),), -1)
    left = torch.isfinite(tails).all(-1).all(-1)
    few = tails[:, torch.linspace(0, tails.shape[1] - 1, _SEEN).round().long()]  # (count, _SEEN, dim)
    leaders: list[int] = []
    while bool(left.any()) and len(leaders) < _LEADERS:
        leader = int(left.int().argmax())
        apart = torch.cdist(few[left].flatten(0, 1), tails[leader]).amin(-1).unflatten(0, (-1, _SEEN))
        own = torch.cdist(few[leader], tails[leader]).topk(2, largest=False).values[:, 1]  # itself is the nearest
        near = _NEAR * reach + _SPACINGS * float(own.median())
        members = left.nonzero()[:, 0][apart.median(-1).values < near]
        labels[members] = len(leaders)
        left[members] = left[leader] = False
        labels[leader] = len(leaders)
        leaders.append(leader)
    sizes = [int((labels == number).sum()) for number in range(len(leaders))]
    kept = [number for number in range(len(leaders)) if sizes[number] >= _FEWEST * len(tails)]
    if len(kept) > MOST_SETS or sum(sizes[k] for k in kept) < _MOST_OF * (sum(sizes) + int(left.sum())):
        return labels.fill_(-1), leaders[:1], True
    renamed = torch.full_like(labels, -1)
    for new, old in enumerate(kept):
        renamed[labels == old] = new
    return renamed, [leaders[k] for k in kept], False


def _fixed_points(system: System) -> tuple[np.ndarray, np.ndarray]:
    """Return the fixed points that are known, and which of them are stable."""
    if isinstance(system, Oscillator):  # its truth holds the period too, which takes a second
        return np.zeros((1, system.dim)), np.zeros(1, dtype=bool)
    known = system.truth()
    if known.fixed_points is None or known.stable is None:
        return np.empty((0, system.dim)), np.empty(0, dtype=bool)
    return known.fixed_points.numpy(), known.stable.numpy()
