"""Every exercise: a blank is no attempt, the solution passes, each listed mistake gets its own message."""

import itertools
import re

import numpy as np
import pytest
import torch

from simviz import course
from simviz.course.answers import as_tensor, copied, same
from simviz.course.exercises import EXERCISES
from simviz.course.exercises.ch05 import products

SEEDS = range(6)
EACH = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
MISTAKES = [
    pytest.param(exercise, wrong, function, id=f"{exercise.id}.{wrong.id}.{number}")
    for exercise in EXERCISES.values()
    for wrong in exercise.wrong
    for number, function in enumerate((wrong.function, *wrong.also))
]
SIGNATURES = {
    "00": "survivors(eigenvalues)",
    "01a": "picard(f, z, tol, max_steps)",
    "01b": "rate(J)",
    "01c": "anderson_weights(G)",
    "02a": "adjoint(J, dL)",
    "02b": "derivative(f, t)",
    "03a": "edmd(PX, PY)",
    "03b": "residual(lam, h, PX, PY)",
    "04a": "lyapunov(derivative, orbit)",
    "04b": "rotation_number(angles)",
    "05a": "density(M, width)",
    "05b": "features(u, D, bandwidth)",
}


def answers(exercise, args, function):
    """What of a function's answer is compared."""
    return exercise.viewed(args, function(*(copied(value) for value in args)))


def test_the_bank_is_that_of_the_first_six_chapters():
    assert {id: exercise.signature for id, exercise in EXERCISES.items()} == SIGNATURES
    ids = [f"{exercise.id}.{wrong.id}" for exercise in EXERCISES.values() for wrong in exercise.wrong]
    assert len(set(ids)) == len(ids) == 36
    assert all(re.fullmatch(r"\d\d[a-z]?\.[a-z-]+", id) for id in ids)
    assert not {id.split(".")[1] for id in ids} & {"raised", "form", "other"}


def test_an_unknown_exercise_is_refused_by_name():
    with pytest.raises(ValueError, match=r"exercise must be one of 00, 01a, .*, got '1b'"):
        course.exercise("1b")


@EACH
@pytest.mark.parametrize("blank", [None, ..., lambda *_: None, lambda *_: ...])
def test_a_blank_never_passes_and_is_no_attempt(exercise, blank):
    verdict = exercise.judge(blank)
    assert verdict.outcome == "blank"
    assert not verdict.passed
    assert not verdict.attempt
    assert exercise.signature in verdict.text
    assert exercise.check(blank) is exercise.right


def test_what_is_said_to_be_unwritten_is_a_blank_and_a_value_in_place_of_the_function_is_named():
    def rate(J):
        raise NotImplementedError

    assert course.exercise("01b").judge(rate).outcome == "blank"
    verdict = course.exercise("01b").judge(0.9)
    assert verdict.outcome == "blank"
    assert "takes the function itself, got a number: write `.check(rate)`" in verdict.text


@EACH
def test_the_solution_passes_and_is_handed_back(exercise):
    for seed in SEEDS:
        assert exercise.judge(exercise.right, seed).passed, seed

    def own(*args):
        return exercise.right(*args)

    assert exercise.check(own) is own


@EACH
def test_the_printed_solution_passes_as_it_stands(exercise):
    names = {"torch": torch}
    exec(exercise.source, names)
    assert exercise.source.startswith(f"def {exercise.signature}:\n")
    assert exercise.judge(names[exercise.name], 0).passed


@pytest.mark.parametrize(("exercise", "wrong", "function"), MISTAKES)
def test_a_listed_mistake_gets_its_own_message(exercise, wrong, function):
    for seed in SEEDS:
        verdict = exercise.judge(function, seed)
        assert (verdict.outcome, verdict.message) == ("known", f"{exercise.id}.{wrong.id}"), (seed, verdict.text)
        assert not verdict.passed
        assert verdict.attempt
        assert "{" not in verdict.text.replace("{0.3i}", "").replace("{1i}", "")
        assert "wrong" not in verdict.text.lower()


@EACH
def test_fresh_cases_tell_all_mistakes_from_the_solution_and_from_one_another(exercise):
    functions = [exercise.right, *(wrong.function for wrong in exercise.wrong)]
    for seed in range(25 if exercise.id not in ("01a", "05b") else 6):
        cases = exercise.draw(seed)
        given = [[answers(exercise, args, function) for args in cases] for function in functions]
        for one, other in itertools.permutations(given, 2):
            assert not all(same(a, b, 1.5 * exercise.tolerance) for a, b in zip(one, other, strict=True)), seed


@EACH
def test_cases_are_new_each_time_and_the_same_for_a_seed(exercise):
    def alike(one, other):
        pairs = [pair for args in zip(one, other, strict=True) for pair in zip(*args, strict=True)]
        return all(repr(a) == repr(b) if callable(a) else same(a, b, 1e-6) for a, b in pairs)

    assert not alike(exercise.draw(), exercise.draw())
    assert alike(exercise.draw(3), exercise.draw(3))


@EACH
def test_another_failure_shows_input_yours_and_ours(exercise):
    def off(*args):
        answer = exercise.right(*args)
        if isinstance(answer, tuple):
            return (answer[0] + 0.123, *answer[1:])
        number = as_tensor(answer)
        return 0.77 * number + 0.0371 if exercise.id != "05a" else number**2

    verdict = exercise.judge(off, 1)
    assert verdict.message == f"{exercise.id}.other", verdict.text
    for name in re.findall(r"\w+", exercise.signature)[1:]:
        assert f"    {name} = " in verdict.text
    assert "    yours = " in verdict.text
    assert "    ours = " in verdict.text
    assert "wrong" not in verdict.text.lower()
    longest = max(len(digits.lstrip("0")) for digits in re.findall(r"\d+\.(\d+)", verdict.text))
    assert longest <= 4


@EACH
def test_an_error_in_the_readers_code_is_told_with_its_line(exercise):
    def faulty(*args):
        first = args[0]
        return first.no_such_thing

    verdict = exercise.judge(faulty)
    assert verdict.message == f"{exercise.id}.raised"
    line = faulty.__code__.co_firstlineno + 2
    assert "AttributeError" in verdict.text
    assert f"line {line}, in faulty: return first.no_such_thing" in verdict.text
    assert "Traceback" not in verdict.text
    assert re.search(r"    \w+ = ", verdict.text.split("It was called with")[1])
    assert exercise.check(faulty) is exercise.right


def test_the_line_is_the_readers_own_when_the_error_comes_from_a_library():
    def rate(J):
        broken = J[:, :1]
        return torch.linalg.eigvals(broken).abs().max()

    text = course.exercise("01b").judge(rate).text
    assert f"line {rate.__code__.co_firstlineno + 2}, in rate: return torch.linalg.eigvals(broken)" in text
    assert "RuntimeError" in text


def test_a_loop_without_an_end_is_stopped_by_the_function_it_calls():
    def picard(f, z, tol, max_steps):
        while True:
            z_next = f(z)
            if (z_next - z).norm() <= tol * z_next.norm():
                return z, 1, True
            z = z_next

    text = course.exercise("01a").judge(picard).text
    assert "was called 20,000 times: does your loop end?" in text
    assert "in picard: z_next = f(z)" in text


@EACH
def test_inputs_may_be_changed_in_place(exercise):
    def careless(*args):
        answer = exercise.right(*(copied(value) for value in args))
        for value in args:
            if isinstance(value, torch.Tensor):
                value.zero_()
        return answer

    assert exercise.judge(careless, 2).passed


@EACH
def test_arrays_lists_and_numbers_are_taken(exercise):
    def as_array(value):
        return value.numpy() if isinstance(value, torch.Tensor) else value

    def as_list(value):
        return value.tolist() if isinstance(value, torch.Tensor) else value

    for turned in (as_array, as_list):

        def own(*args, turned=turned):
            answer = exercise.right(*args)
            return [turned(part) for part in answer] if isinstance(answer, tuple) else turned(answer)

        assert exercise.judge(own, 3).passed


FORMS = [
    ("00", lambda e: e[:2].abs() > 0, "returned a tensor of shape (2,), where a tensor of shape (9,) is asked for"),
    ("01a", lambda f, z, tol, n: z, "3 values are asked for"),
    ("01b", lambda J: {"rate": 1}, "returned a dict, where a number is asked for"),
    ("01b", lambda J: J.new_tensor(float("nan")), "NaN"),
    ("02a", lambda J, dL: dL[:, None], "returned a tensor of shape (2, 1), where a tensor of shape (2,) is asked for"),
    ("05b", lambda u, D, b: u, "where a tensor of shape (6, 20000) is asked for"),
    ("04a", lambda d, o: "much", "returned a str"),
]


@pytest.mark.parametrize(("id", "function", "words"), FORMS)
def test_another_form_than_asked_for_is_named(id, function, words):
    verdict = course.exercise(id).judge(function)
    assert verdict.message == f"{id}.form"
    assert words in verdict.text


def power(J):
    v = torch.tensor([0.3, -1.0], dtype=torch.float64)
    for _ in range(500):
        v = J @ v / (J @ v).norm()
    return v @ J @ v


def lax(f, z, tol, max_steps):
    for k in range(max_steps):
        if abs(f(z) - z).max() < tol:
            return z, k, True
        z = f(z)
    return z, max_steps, False


VARIANTS = [
    ("00", "circle", lambda e: torch.tensor([abs(complex(x)) >= 1 for x in e])),
    ("01a", "absolute", lax),
    ("01b", "power", lambda J: abs(power(J))),
    ("01c", "clipped", lambda G: torch.tensor([0.0, 1.0]) if len(G) == 2 else torch.tensor([0.2, 0.3, 0.5])),
    ("02b", "cancels", lambda f, t: (f(t + 1e-12) - f(t)) / 1e-12),
    ("02b", "one-sided", lambda f, t: (f(t + 1e-3) - f(t)) / 1e-3),
    ("02b", "doubled", lambda f, t: (f(t + 1e-3) - f(t - 1e-3)) / 1e-3),
    ("04b", "short-way", lambda a: np.diff(np.unwrap(a.numpy())).mean() / (2 * np.pi)),
    ("05a", "right-vector", lambda M, w: torch.linalg.eig(M).eigenvectors[:, 0].real * 0 + 1),
    ("05a", "second", lambda M, w: torch.linalg.eig(M.T).eigenvectors[:, 3].real),
]


@pytest.mark.parametrize(("id", "mistake", "function"), VARIANTS)
def test_the_same_mistake_made_another_way_is_known_too(id, mistake, function):
    for seed in SEEDS:
        assert course.exercise(id).judge(function, seed).message == f"{id}.{mistake}", seed


def test_messages_print_numbers_of_the_case():
    exercise = course.exercise("02a")
    J, dL = exercise.draw(5)[0]
    v = torch.linalg.solve(torch.eye(2).double() - J.T, dL)
    cosine = v @ dL / (v.norm() * dL.norm())
    text = exercise.judge(lambda J, dL: dL, 5).text
    assert f"{torch.rad2deg(cosine.acos()):.0f} degrees off" in text
    text = course.exercise("03a").judge(lambda PX, PY: torch.linalg.lstsq(PY, PX).solution, 5).text
    back, ahead = re.findall(r"\d\.\d{3}", text)
    assert float(back) * float(ahead) == pytest.approx(1, abs=2e-3)


def test_the_cases_of_the_receipt_hold_a_complex_pair_with_no_residual_and_a_liar():
    exercise = course.exercise("03b")
    for seed in SEEDS:
        cases = exercise.draw(seed)
        truth = [float(exercise.right(*args)) for args in cases]
        assert sum(abs(args[0].imag) > 0.1 and r < 1e-10 for args, r in zip(cases, truth, strict=True)) == 2
        assert max(truth) > 0.01


def test_random_features_of_any_seed_pass_with_room_to_spare():
    """Off by no more than the four or five standard errors that 900 means of 10,000 cosines are at the worst."""
    exercise = course.exercise("05b")
    worst = 0.0
    for seed in range(30):
        for u, D, bandwidth in exercise.draw(seed):
            generator = np.random.default_rng(seed)
            phases = u.numpy() @ generator.normal(size=(4, D // 2)) / bandwidth
            made = np.concatenate([np.cos(phases), np.sin(phases)], 1) / np.sqrt(D / 2)
            exact = torch.exp(-(torch.cdist(u, u) ** 2) / (2 * bandwidth**2))
            worst = max(worst, float((products((u, D, bandwidth), made) - exact).abs().max()))
    assert worst < 5.5 * (0.5 / 10_000) ** 0.5 < exercise.tolerance
    shifted = exercise.judge(with_offsets)
    assert shifted.passed, shifted.text


def with_offsets(u, D, bandwidth):
    """Features of the other kind, cosines with random offsets alone."""
    directions = torch.randn(u.shape[1], D, dtype=u.dtype, generator=torch.Generator().manual_seed(7)) / bandwidth
    offsets = 2 * torch.pi * torch.rand(D, dtype=u.dtype, generator=torch.Generator().manual_seed(8))
    return (u @ directions + offsets).cos() * (2 / D) ** 0.5


def test_a_check_leaves_the_readers_random_numbers_alone():
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    for exercise in EXERCISES.values():
        exercise.judge(exercise.right)
    assert torch.equal(torch.rand(3), wanted)
