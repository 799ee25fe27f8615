"""What does it do? One change, said beforehand with a direction and a reason, then measured over seeds in pairs."""

from __future__ import annotations

import hashlib
import html
import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from simviz import checks
from simviz.course.answers import as_tensor
from simviz.figures.tables import Table

Direction = Literal["up", "down", "same"]
FEWEST_SEEDS = 3
_TEST = re.compile(r"(?<![a-z])test(s|ing|set)?(?![a-z])")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, kw_only=True, repr=False)
class Ablation:
    """A claim about one change, registered before it is run: what it does to a metric, and why.

    change: options of the model or of its training and what they become, `{"rank": 1}`; it should be one. seeds: each
    is measured with and without the change; three or more. metric: what is measured, in words, on the validation part.
    expect: what the metric will do, "up", "down" or "same". because: the reason. Another form is a ValueError that
    names the argument; what is amiss with the plan itself is listed by `faults`.

    >>> plan = Ablation(change={"rank": 1}, seeds=[0, 1, 2], metric="validation accuracy", expect="down",
    ...                 because="one number cannot tell ten digits apart")
    >>> result = plan.run(lambda options, seed: 90 + options["rank"] / 4 + seed, {"rank": 25})
    >>> result.went, result.held, result.differences
    ('down', True, (-6.0, -6.0, -6.0))
    """

    change: Mapping[str, Any]
    seeds: Sequence[int]
    metric: str
    expect: Direction
    because: str

    def __post_init__(self) -> None:
        change = _options("change", self.change)
        if not change:
            raise ValueError("change must name the option that changes and what it becomes, {'rank': 1}; it is empty")
        for name in ("metric", "because"):
            text = getattr(self, name)
            if not isinstance(text, str) or not re.search(r"\w", text):
                raise ValueError(f"{name} must be words, got {text!r}")
        if not isinstance(self.expect, str):
            raise ValueError(f"expect must be a word, got {self.expect!r}")
        checks.one_of("expect", self.expect, get_args(Direction))
        object.__setattr__(self, "change", MappingProxyType(change))
        object.__setattr__(self, "seeds", _seeds(self.seeds))

    def faults(self) -> tuple[str, ...]:
        """Return what is amiss with the plan, a sentence or two each; empty where it may be run."""
        found = []
        if len(self.change) > 1:
            changed = _listed([f"`{name}`" for name in self.change])
            found.append(f"Which one did it? You change {changed} at once.")
        if len(self.seeds) < FEWEST_SEEDS:
            found.append(
                f"The spread of one seed is unknown. Take at least {FEWEST_SEEDS}, you have {len(self.seeds)}."
            )
        if _TEST.search(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.metric).lower().replace("_", " ")):
            found.append("Choose on validation; open the test once.")
        return tuple(found)

    @property
    def registered(self) -> str:
        """Eight letters that change with the claim; the result repeats them."""
        parts = [f"{name}={_word(value)}" for name, value in self.change.items()]
        text = "\n".join([*parts, repr(self.seeds), self.metric, self.expect, self.because])
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]

    @property
    def sentence(self) -> str:
        """The claim in words."""
        changes = _listed([f"{name} becomes {_word(value)}" for name, value in self.change.items()])
        return f"{changes}: {self.metric} expected {self.expect}, because {_unstopped(self.because)}."

    def run(self, measure: Callable[[dict[str, Any], int], float], baseline: Mapping[str, Any]) -> AblationResult:
        """Measure each seed without the change and with it, one after the other, and return what came of it.

        measure(options, seed): trains and returns the metric, one finite number. baseline: the options without the
        change, the changed one among them. Raises ValueError while there are faults, where the change changes nothing,
        and for a measure that returns no finite number.
        """
        if faults := self.faults():
            raise ValueError(f"this ablation is not run yet. {' '.join(faults)}")
        options = _options("baseline", baseline)
        for name, value in self.change.items():
            if name not in options:
                known = ", ".join(options) or "nothing"
                raise ValueError(f"baseline must say what {name!r} is without the change; it says {known}")
            if _word(options[name]) == _word(value):
                raise ValueError(f"change must change something: {name!r} is {_word(value)} in the baseline too")
        pairs = []
        for seed in self.seeds:
            without = _measured(measure(dict(options), seed), seed, "without the change")
            pairs.append((without, _measured(measure({**options, **self.change}, seed), seed, "with the change")))
        before = {name: options[name] for name in self.change}
        return AblationResult(self, MappingProxyType(before), tuple(pairs))

    def __repr__(self) -> str:
        seeds = ", ".join(map(str, self.seeds))
        return f"Ablation {self.registered}. {self.sentence} Seeds {seeds}."


@dataclass(frozen=True, repr=False)
class AblationResult:
    """What came of an ablation, seed by seed.

    before: what the changed option was. pairs: for each seed the metric without the change and with it. A difference
    counts from 2 standard errors on. With 3 seeds chance alone goes that far in 18 of 100 ablations (Student's t with 2
    degrees of freedom), with 5 seeds in 12: what few seeds show is a hint.
    """

    ablation: Ablation
    before: Mapping[str, Any]
    pairs: tuple[tuple[float, float], ...]

    @property
    def registered(self) -> str:
        """The claim's eight letters."""
        return self.ablation.registered

    @property
    def differences(self) -> tuple[float, ...]:
        """With the change minus without it, for each seed."""
        return tuple(changed - baseline for baseline, changed in self.pairs)

    @property
    def mean(self) -> float:
        """The mean difference."""
        return statistics.fmean(self.differences)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean difference, from the spread of the pairs."""
        return statistics.stdev(self.differences) / math.sqrt(len(self.pairs))

    @property
    def went(self) -> Direction:
        """What the metric did: "same" where the mean is within 2 standard errors of 0."""
        if self.mean == 0 or abs(self.mean) < 2 * self.standard_error:
            return "same"
        return "up" if self.mean > 0 else "down"

    @property
    def held(self) -> bool:
        """Whether it did what was expected."""
        return self.went == self.ablation.expect

    @property
    def sentence(self) -> str:
        """Claim and outcome in words."""
        claim = self.ablation
        seen = f"{_with_error(self.mean, self.standard_error)} in {claim.metric} over {len(self.pairs)} seeds"
        went = "too little to tell from chance" if self.went == "same" else f"that is {self.went}"
        verdict = "held" if self.held else "did not hold"
        return f"Expected {claim.expect}, because {_unstopped(claim.because)}; seen: {seen}, {went}: {verdict}."

    @property
    def table(self) -> Table:
        """A row for each seed: the metric without the change, with it, and the difference."""
        rows = zip(self.ablation.seeds, *zip(*self.pairs, strict=True), self.differences, strict=True)
        return Table(("seed", "baseline", "changed", "difference"), tuple(rows), self._title)

    @property
    def _title(self) -> str:
        changes = [f"{name} {_word(self.before[name])} -> {_word(new)}" for name, new in self.ablation.change.items()]
        return f"Ablation {self.registered}: {_listed(changes)}."

    def __repr__(self) -> str:
        return f"{self._title}\n{self.table}\n{self.sentence}"

    def _repr_html_(self) -> str:
        return f"{self.table._repr_html_()}<p>{html.escape(self.sentence)}</p>"


def _options(name: str, value: Any) -> dict[str, Any]:
    """A mapping from names to values as a dict of its own."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) and key for key in value):
        raise ValueError(f"{name} must be a dict from names of options to values, got {value!r}")
    return dict(value)


def _seeds(value: Any) -> tuple[int, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"seeds must be a list of whole numbers, got {value!r}")
    seeds = tuple(checks.positive_int("each of seeds", seed, 0) for seed in value)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must all be different, got {list(seeds)}: the same seed twice is one run")
    return seeds


def _measured(value: Any, seed: int, which: str) -> float:
    found = as_tensor(value)
    if found is None or found.is_complex() or found.numel() != 1 or not math.isfinite(found.item()):
        raise ValueError(f"measure must return one finite number, got {value!r} for seed {seed} {which}")
    return float(found.item())


def _word(value: Any) -> str:
    """A value in words that are the same in every kernel."""
    name = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else _ADDRESS.sub("", repr(value))


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _unstopped(sentence: str) -> str:
    return sentence.strip().rstrip(".")


def _with_error(mean: float, error: float) -> str:
    """A mean and its standard error, both to the error's second digit.

    >>> _with_error(-0.84321, 0.3123), _with_error(12.5, 0.0)
    ('-0.84 ± 0.31', '+12.5 ± 0')
    """
    if error <= 1e-6 * abs(mean) or error == 0:
        return f"{mean:+.4g} ± {error:.2g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{mean:+.{digits}f} ± {error:.{digits}f}"
