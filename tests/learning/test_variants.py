"""A variant differs from the paper's classifier in the part that was changed, and in nothing else."""

import pytest
import torch

from simviz.course.exercises.ch09 import ablation
from simviz.learning import data, experiments
from simviz.learning.variants import ONE_TIER, TWO_TIERS, variant
from simviz.models import paper


@pytest.fixture(scope="module")
def task():
    return data.digits(validation=0.2)


def start(run):
    return {name: value.clone() for name, value in run.model.state_dict().items() if not name.startswith("second_tier")}


def differing(ours, theirs):
    assert ours.keys() == theirs.keys()
    names = [n for n in ours if ours[n].shape != theirs[n].shape or not torch.equal(ours[n], theirs[n])]
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(("baseline", "kind"), [(ONE_TIER, "single"), (TWO_TIERS, "two")])
def test_the_baselines_train_bit_for_bit_as_the_experiment(task, baseline, kind):
    ours = variant(task, seed=3, max_steps=3, **baseline)
    theirs = experiments.classify(kind, task, seed=3, max_steps=3)
    assert ours.options == theirs.options
    assert [step.loss for step in ours] == [step.loss for step in theirs]
    assert ours.measure() == theirs.measure()


def test_another_rank_changes_u_and_v_alone(task):
    ours = variant(task, rank=2, seed=1)
    assert ours.model.propagator.U.weight.shape == (50, 2)
    assert differing(start(ours), start(variant(task, seed=1))) == {"propagator"}


def test_new_parts_keep_the_variance_and_depend_on_the_seed(task):
    values = torch.cat([variant(task, rank=24, seed=seed).model.propagator.V.weight.flatten() for seed in range(3)])
    assert values.var().item() == pytest.approx(1 / 50, rel=0.1)
    one, same, other = (variant(task, rank=24, seed=seed).model.propagator.V.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_frozen_factors_stay_and_the_rest_learns(task):
    run = variant(task, operator="frozen", max_steps=3)
    before = start(run)
    assert differing(before, start(variant(task))) == set()
    list(run)
    assert differing(start(run), before) == {"basis", "decoder", "readout"}


def test_one_linear_is_the_control_of_the_paper(task):
    run = variant(task, operator="one Linear", rank=25)
    control = paper.plain_image_classifier(1, 8, 1)
    sizes = [[tuple(p.shape) for p in model.parameters()] for model in (run.model, control)]
    assert sizes[0] == sizes[1]
    sim, x = variant(task).model.eval(), task.train[0][:5]
    assert torch.equal(run.model.eval()(x), sim.readout(sim.decoder(sim.basis(x))))


def test_a_linear_decoder_has_no_bend(task):
    sim = variant(task, decoder="linear").model
    a, b = torch.randn(2, 4, 50)
    middle = (sim.decode(a) + sim.decode(b)) / 2
    assert torch.allclose(sim.decode((a + b) / 2), middle, atol=1e-5)


@pytest.mark.parametrize("times", [0.1, 10.0])
def test_the_bandwidth_is_in_units_of_the_median_distance(task, times):
    sim = variant(task, tiers=2, bandwidth=times).model
    with torch.no_grad():
        u = variant(task, tiers=2).model.basis(task.train[0][:128])
    median = torch.pdist(u).median().item()
    assert sim.second_tier.bandwidth.item() == pytest.approx(times * median, rel=0.05)


def test_ours_of_exercise_09_can_be_run(task):
    plan = ablation()

    def untrained(options, seed):
        return variant(task, seed=seed, **options).measure("validation")["accuracy"]

    assert len(plan.run(untrained, ONE_TIER).pairs) == len(plan.seeds)


def test_pytorchs_generator_is_left_where_it_was(task):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    variant(task, tiers=2, rank=3, decoder="linear", bandwidth=2.0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tiers": 3}, "tiers must be 1 or 2, got 3"),
        ({"tiers": True}, "tiers must be 1 or 2, got True"),
        ({"operator": "UV"}, "operator must be"),
        ({"decoder": "deep"}, "decoder must be"),
        ({"rank": 0}, "rank must be"),
        ({"rank": 51}, "rank must be at most d = 50"),
        ({"bandwidth": 0.1}, "bandwidth must be 1 where there is no second tier, got 0.1"),
        ({"tiers": 2, "bandwidth": -1}, "bandwidth must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_a_wrong_word_is_named(task, wrong, words):
    with pytest.raises(ValueError, match=words):
        variant(task, **wrong)
