"""Extended DMD from trajectories: whole ones, with delays, or chunk after chunk without end in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.features import Dictionary, as_dictionary
from simviz.dynamics.koopman.assemble import assemble
from simviz.dynamics.koopman.evidence import Evidence, Kept, Summed
from simviz.dynamics.koopman.extended import SHARE, Sources, fitted, shape_of
from simviz.dynamics.koopman.leastsquares import JointFactor, LeastSquares
from simviz.dynamics.koopman.result import Koopman
from simviz.dynamics.koopman.snapshots import Gather, Orbits, block_rows, finite, right_side, weights_for

WORDS = "(batch, time, dim)"


def edmd_orbits(
    trajectories: Any,
    dictionary: Any,
    *,
    dt: float,
    weights: Any = None,
    check: Any = None,
    seed: int = 0,
) -> Koopman:
    """Fit the Koopman matrix to trajectories (batch, time, dim), every step of every one a snapshot; see `edmd`.

    trajectories: an array, or an iterable of such arrays (chunks of whole trajectories; pairs of snapshots are
    trajectories of length 2), whose memory does not grow with the number of snapshots; dictionary: as in `edmd`, or
    `Delays`, whose windows are cut here; dt: time a step; weights: (batch,) or (batch, time - reach - 1), reach the
    steps from a window's oldest state to its newest, for arrays alone. check: None, a seeded one of every five
    trajectories is held out whole (of one alone, its last fifth in time), the same ones however they are cut into
    chunks; trajectories, array or iterable: fresh ones; False: residuals in sample, labelled so.

    An iterator that cannot be read twice starts with normal equations where its first block allows them and goes on by
    QR once the condition number so far passes 1e4: of the snapshots summed until then, directions below 1e-8 of an
    observable's size are lost (at a condition number of 1e6 eigenvalues are then off by some 1e-4), and `notes` says
    how many those are. Raises ValueError for trajectories too short for the delays, no chunk at all, and as `edmd`.
    """
    return fit_orbits(trajectories, dictionary, dt, weights, check, seed, "EDMD")


def fit_orbits(
    trajectories: Any, dictionary: Any, dt: float, weights: Any, check: Any, seed: int, method: str
) -> Koopman:
    """Fit trajectories that can be read again, or stream them."""
    dictionary, dt = as_dictionary(dictionary), checks.positive("dt", dt)
    seed = checks.positive_int("seed", seed, 0)
    if isinstance(trajectories, (torch.Tensor, np.ndarray)):
        whole = _checked("trajectories", trajectories, dictionary)
        if check is None or check is False or isinstance(check, (torch.Tensor, np.ndarray)):
            return fitted(orbit_sources(whole, dictionary, weights, check, seed), dictionary, dt=dt, method=method)
        trajectories = [whole]
    if weights is not None:
        raise ValueError("weights need trajectories and check as arrays: an iterable of chunks takes none")
    return _streamed(trajectories, dictionary, dt, check, seed, method)


def _checked(name: str, chunk: Any, dictionary: Dictionary, dim: int | None = None) -> torch.Tensor:
    """Check one chunk of trajectories, long enough for the windows of the dictionary and one step."""
    found = finite(name, chunk, (None, None, dim), WORDS if dim is None else f"(batch, time, {dim})")
    count, gap = dictionary.window or (1, 1)
    least = (count - 1) * gap + 2
    if found.shape[1] < least:
        raise ValueError(
            f"{name} must be at least {least} states long, one window of {least - 1} and a step, got {found.shape[1]}: "
            "give longer ones, or fewer delays"
        )
    return found


def orbit_sources(whole: torch.Tensor, dictionary: Dictionary, weights: Any, check: Any, seed: int) -> Sources:
    """Part trajectories into those of the fit and those of the residuals."""
    window = dictionary.window
    every = Orbits(whole, window)
    batch, steps = len(whole), every.steps
    if batch * steps < 2:
        raise ValueError("trajectories hold one snapshot: at least 2 are needed")
    shape = (batch,) if weights is not None and checks.tensor("weights", weights).ndim == 1 else (batch, steps)
    given = weights_for(weights, shape, whole)
    if given is not None and given.ndim == 1:
        given = given[:, None].expand(batch, steps)
    every = Orbits(whole, window, given)
    if check is False:
        return Sources(every, every, "in sample", in_sample=True)
    if check is not None:
        fresh = _checked("check", check, dictionary, whole.shape[2])
        return Sources(every, Orbits(fresh.to(whole.device), window), "fresh trajectories")
    if batch > 1:
        mask = HoldOut(seed).next(batch)
        fit, held = (Orbits(whole, window, given, torch.from_numpy(np.flatnonzero(m))) for m in (~mask, mask))
        return Sources(fit, held, "held out", parted=True)
    return _cut(whole, window, given)


def _cut(whole: torch.Tensor, window: tuple[int, int] | None, weights: torch.Tensor | None) -> Sources:
    """Hold out the last fifth in time of one trajectory (1, time, dim)."""
    time, reach = whole.shape[1], Orbits(whole, window).reach
    cut = time - max(round(time / SHARE), reach + 2)
    if cut < reach + 2:
        raise ValueError(
            f"one trajectory of {time} states is too short to fit its beginning and check its end: it needs "
            f"{2 * reach + 4}; give a longer one, several, or check=False"
        )
    first = None if weights is None else weights[:, : cut - reach - 1]
    last = None if weights is None else weights[:, cut:]
    note = f"One trajectory: its last {time - cut} of {time} states are held out, one run of time."
    fit, held = Orbits(whole[:, :cut], window, first), Orbits(whole[:, cut:], window, last)
    return Sources(fit, held, "last fifth held out", parted=True, notes=(note,))


class HoldOut:
    """Chooses one trajectory of every five, by seed, whatever the chunks they come in; of the first two, one."""

    def __init__(self, seed: int) -> None:
        self.seed, self.seen = seed, 0

    def next(self, count: int) -> np.ndarray:
        """(count,) bool: which of the next trajectories are held out."""
        index = np.arange(self.seen, self.seen + count)
        self.seen += count
        group = index // SHARE
        place = _mixed(group.astype(np.uint64), self.seed) % np.where(group == 0, 2, SHARE).astype(np.uint64)
        return index % SHARE == place


def _mixed(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return a random-looking uint64 for each uint64 and seed: SplitMix64 (Steele, Lea and Flood 2014)."""
    start = seed * 0xD1342543DE82EF95 % 2**64
    with np.errstate(over="ignore"):
        z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class _Sums:
    """What one pass over chunks collects: the least squares of the fit, the factor of the check."""

    def __init__(self, dictionary: Dictionary, first: torch.Tensor, method: str) -> None:
        self.dictionary = dictionary
        self.size, self.precision = shape_of(dictionary, Orbits(first, dictionary.window))
        rows = block_rows(self.size)
        self.least, self.joint = LeastSquares(method), JointFactor()
        self.fit, self.held = Gather(self.least, rows), Gather(self.joint, rows)

    def add(self, chunk: torch.Tensor, *, fit: bool, held: bool, chosen: torch.Tensor | None = None) -> None:
        source = Orbits(chunk, self.dictionary.window, None, chosen)
        if not source.rows:
            return
        for left, right, state, _ in source.lifted(self.dictionary):
            if fit:
                self.fit.add(left, right_side(self.dictionary, right, state))
            if held:
                self.held.add(left, right)

    def evidence(self) -> Evidence:
        self.held.flush()
        return Summed(self.joint, self.size, self.precision)


def _chunks(name: str, chunks: Any, dictionary: Dictionary) -> Iterator[torch.Tensor]:
    """Yield the chunks, each checked, all of one dimension; refuse what is no iterable, and an empty one."""
    if isinstance(chunks, (str, bytes, dict)) or not isinstance(chunks, Iterable):
        raise ValueError(f"{name} must be an array {WORDS} or an iterable of such arrays, got {type(chunks).__name__}")
    dim = None
    for number, chunk in enumerate(chunks, 1):
        found = _checked(f"chunk {number} of {name}", chunk, dictionary, dim)
        dim = found.shape[2]
        yield found
    if dim is None:
        raise ValueError(f"{name} gave no chunk at all: is it an iterator that has been read already?")


def _streamed(trajectories: Any, dictionary: Dictionary, dt: float, check: Any, seed: int, called: str) -> Koopman:
    """Fit chunks in one pass; read them again for QR only where that is possible and needed."""
    again = isinstance(trajectories, Iterable) and iter(trajectories) is not trajectories
    in_sample, parted = check is False, check is None
    for method in ("Gram", "QR") if again else ("Gram",):
        chunks = _chunks("trajectories", trajectories, dictionary)
        first = next(chunks)
        if parted and len(first) == 1:
            second = next(chunks, None)
            if second is None:
                return fitted(orbit_sources(first, dictionary, None, None, seed), dictionary, dt=dt, method=called)
            chunks = itertools.chain([second], chunks)
        sums, choose = _Sums(dictionary, first, method), HoldOut(seed)
        for chunk in itertools.chain([first], chunks):
            if parted:
                mask = choose.next(len(chunk))
                sums.add(chunk, fit=True, held=False, chosen=torch.from_numpy(np.flatnonzero(~mask)))
                sums.add(chunk, fit=False, held=True, chosen=torch.from_numpy(np.flatnonzero(mask)))
            else:
                sums.add(chunk, fit=True, held=in_sample)
        sums.fit.flush()
        problem = sums.least.finish()
        if not problem.blurred:
            break
    words = "in sample" if in_sample else "held out" if parted else "fresh trajectories"
    evidence = sums.evidence() if in_sample or parted else _fresh(check, dictionary, first)
    return assemble(
        problem,
        evidence,
        dictionary,
        first.shape[2],
        dt=dt,
        kind=f"{called}, {words}",
        in_sample=in_sample,
        parted=parted,
    )


def _fresh(check: Any, dictionary: Dictionary, like: torch.Tensor) -> Evidence:
    """Return the evidence of fresh trajectories, an array or an iterable of chunks."""
    if isinstance(check, (torch.Tensor, np.ndarray)):
        source = Orbits(_checked("check", check, dictionary, like.shape[2]).to(like.device), dictionary.window)
        return Kept(source, dictionary, *shape_of(dictionary, source))
    chunks = _chunks("check", check, dictionary)
    first = next(chunks)
    if first.shape[2] != like.shape[2]:
        raise ValueError(f"check must be (batch, time, {like.shape[2]}) as the trajectories, got {tuple(first.shape)}")
    sums = _Sums(dictionary, first, "Gram")
    for chunk in itertools.chain([first], chunks):
        sums.add(chunk, fit=False, held=True)
    return sums.evidence()
