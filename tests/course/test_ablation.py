"""An ablation: one claim said beforehand, measured in pairs, judged against the spread over seeds."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from simviz import course

FIELDS = {
    "change": {"rank": 1},
    "seeds": [0, 1, 2],
    "metric": "validation accuracy",
    "expect": "down",
    "because": "one number is not enough.",
}
BASELINE = {"rank": 25, "bandwidth": 1.0}


def planned(**fields):
    return course.Ablation(**{**FIELDS, **fields})


def ran(differences, **fields):
    """The result of an ablation in which each seed has the difference given here."""

    def measure(options, seed):
        return 90 + 3 * seed + (differences[seed] if options["rank"] == 1 else 0.0)

    return planned(seeds=range(len(differences)), **fields).run(measure, BASELINE)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"change": {}}, "change must name the option that changes"),
        ({"change": "rank"}, "change must be a dict from names of options to values, got 'rank'"),
        ({"change": {1: 2}}, "change must be a dict"),
        ({"seeds": 3}, "seeds must be a list of whole numbers, got 3"),
        ({"seeds": "012"}, "seeds must be a list of whole numbers, got '012'"),
        ({"seeds": [0.5]}, "each of seeds must be a whole number, got 0.5"),
        ({"seeds": [-1]}, "each of seeds must be at least 0, got -1"),
        ({"seeds": [0, 1, 1]}, r"seeds must all be different, got \[0, 1, 1\]"),
        ({"metric": ""}, "metric must be words, got ''"),
        ({"expect": "better"}, "expect must be one of 'up', 'down', 'same', got 'better'"),
        ({"expect": 1}, "expect must be a word, got 1"),
        ({"because": "..."}, "because must be words, got '...'"),
    ],
)
def test_another_form_is_an_error_that_names_the_argument(fields, words):
    with pytest.raises(ValueError, match=words):
        planned(**fields)


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({}, []),
        ({"change": {"rank": 1, "bandwidth": 10.0}}, ["Which one did it? You change `rank` and `bandwidth` at once."]),
        ({"seeds": [0]}, ["The spread of one seed is unknown. Take at least 3, you have 1."]),
        ({"seeds": []}, ["The spread of one seed is unknown. Take at least 3, you have 0."]),
        ({"metric": "Test accuracy", "seeds": [4, 9]}, ["The spread of one seed is unknown.", "Choose on validation;"]),
    ],
)
def test_what_is_amiss_with_a_plan_is_said_and_it_is_not_run(fields, faults):
    plan = planned(**fields)
    assert len(plan.faults()) == len(faults)
    assert all(said.startswith(fault) for said, fault in zip(plan.faults(), faults, strict=True))
    calls = []
    if faults:
        with pytest.raises(ValueError, match="this ablation is not run yet"):
            plan.run(lambda options, seed: calls.append(seed) or 0.0, BASELINE)
        assert not calls


@pytest.mark.parametrize("metric", ["test_error", "error on the test set", "testAccuracy", "TESTSET loss", "testing"])
def test_the_test_part_is_known_by_its_name(metric):
    assert planned(metric=metric).faults() == ("Choose on validation; open the test once.",)


@pytest.mark.parametrize("metric", ["validation error", "latest validation loss", "greatest error", "contested digits"])
def test_other_words_are_not_taken_for_it(metric):
    assert planned(metric=metric).faults() == ()


def test_runs_are_in_pairs_seed_by_seed_and_options_are_not_shared():
    calls = []

    def measure(options, seed):
        calls.append((dict(options), seed))
        options["rank"] = 1000  # what a careless measure does stays with it
        return torch.tensor(0.5)

    baseline = dict(BASELINE)
    planned().run(measure, baseline)
    assert [seed for _, seed in calls] == [0, 0, 1, 1, 2, 2]
    assert [options["rank"] for options, _ in calls] == [25, 1] * 3
    assert all(options["bandwidth"] == 1.0 for options, _ in calls)
    assert baseline == BASELINE


def test_a_change_that_changes_nothing_and_one_that_the_baseline_does_not_know_are_refused():
    with pytest.raises(ValueError, match="'rank' is 25 in the baseline too"):
        planned(change={"rank": 25}).run(lambda options, seed: 0.0, BASELINE)
    with pytest.raises(
        ValueError, match="baseline must say what 'rnak' is without the change; it says rank, bandwidth"
    ):
        planned(change={"rnak": 1}).run(lambda options, seed: 0.0, BASELINE)


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.9", [0.1, 0.2]])
def test_a_measure_returns_one_finite_number(value):
    with pytest.raises(ValueError, match=r"measure must return one finite number, got .* for seed 1 with the change"):
        planned().run(lambda options, seed: value if (seed, options["rank"]) == (1, 1) else 0.5, BASELINE)


def test_the_standard_error_is_that_of_pairs():
    """Against NumPy; seeds differ by 3 and more, which pairs do not feel."""
    differences = (-1.0, -1.6, -0.7, -1.3)
    result = ran(differences)
    assert result.differences == pytest.approx(differences)
    assert result.mean == pytest.approx(np.mean(differences))
    assert result.standard_error == pytest.approx(np.std(differences, ddof=1) / 2)
    assert result.went == "down"


@pytest.mark.parametrize(
    ("differences", "went"),
    [
        ((1.0, 2.0, 3.0), "up"),  # mean 2, standard error 0.58
        ((-1.0, 2.0, 3.0), "same"),  # mean 1.33, standard error 1.2
        ((-3.0, -2.0, -1.0), "down"),
        ((0.0, 0.0, 0.0), "same"),
        ((0.5, 0.5, 0.5), "up"),
    ],
)
@pytest.mark.parametrize("expect", ["up", "down", "same"])
def test_it_went_where_the_mean_is_beyond_two_standard_errors(differences, went, expect):
    result = ran(differences, expect=expect)
    assert result.went == went
    assert result.held == (went == expect)
    assert result.sentence.endswith(": held." if went == expect else ": did not hold.")


@pytest.mark.parametrize(("seeds", "chance"), [(3, 1 - 2 / 6**0.5), (5, 0.1161)])
def test_chance_alone_goes_as_far_as_students_t_says(seeds, chance):
    """P(|t| > 2): 1 - 2 / sqrt(6) with 2 degrees of freedom, 0.1161 with 4; the docstring promises 18 and 12 of 100."""
    noise = np.random.default_rng(0).normal(size=(2000, seeds))
    share = np.mean([ran(row).went != "same" for row in noise])
    assert share == pytest.approx(chance, abs=4 * (chance * (1 - chance) / 2000) ** 0.5)
    assert f"{chance:.2f}"[2:] in course.AblationResult.__doc__


def test_claim_and_outcome_carry_the_same_letters():
    plan = planned()
    assert len(plan.registered) == 8
    result = plan.run(lambda options, seed: options["rank"] + 0.0, BASELINE)
    assert result.registered == plan.registered
    assert plan.registered in repr(plan)
    assert plan.registered in repr(result)
    assert plan.registered == planned(seeds=(0, 1, 2)).registered
    others = [{"change": {"rank": 2}}, {"seeds": [0, 1, 3]}, {"metric": "loss"}, {"expect": "up"}, {"because": "no"}]
    assert len({plan.registered, *(planned(**other).registered for other in others)}) == 6


def test_a_claim_cannot_be_changed_once_it_is_made():
    change, seeds = {"rank": 1}, [0, 1, 2]
    plan = planned(change=change, seeds=seeds)
    letters = plan.registered
    change["rank"], seeds[0] = 2, 9
    assert plan.registered == letters
    with pytest.raises(FrozenInstanceError):
        plan.expect = "up"
    with pytest.raises(TypeError):
        plan.change["rank"] = 2


def test_a_class_or_a_function_as_a_value_has_the_same_letters_in_every_kernel():
    assert "0x" not in repr(planned(change={"decoder": object()}))
    assert "decoder becomes Linear" in planned(change={"decoder": torch.nn.Linear}).sentence


def test_the_outcome_is_said_in_words_and_shown_as_a_table():
    result = ran((-0.5, -1.0, -0.9))
    assert result.sentence == (
        "Expected down, because one number is not enough; seen: -0.80 ± 0.15 in validation accuracy over 3 seeds, that "
        "is down: held."
    )
    shown = repr(result).splitlines()
    assert shown[0] == f"Ablation {result.registered}: rank 25 -> 1."
    assert shown[1].split() == ["seed", "baseline", "changed", "difference"]
    assert shown[2].split() == ["0", "90", "89.5", "-0.5"]
    assert shown[-1] == result.sentence
    assert result.table.column("seed") == [0, 1, 2]
    page = result._repr_html_()
    assert "<td>89.5</td>" in page
    assert "that is down: held." in page
    assert "<caption>Ablation" in page
    assert "too little to tell from chance: did not hold" in ran((-1.0, 2.0, 3.0)).sentence
