"""Every exercise: a blank is no attempt, the solution passes, each listed mistake gets its own message."""

import cmath
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
    "06a": "projection(U, V)",
    "06b": "fold(W_phi, b_phi, U, V, W1, b1)",
    "06c": "regauge(U, V, W1, target)",
    "07a": "period(lam, dt)",
    "07b": "lattice(a, b, order)",
    "08a": "relative_error(student, teacher)",
    "08b": "invariance_defect(V, phi_orbit)",
    "09": "ablation()",
}


def answers(exercise, args, function):
    """What of a function's answer is compared."""
    return exercise.viewed(args, function(*(copied(value) for value in args)))


def test_the_bank_is_that_of_all_chapters():
    assert {id: exercise.signature for id, exercise in EXERCISES.items()} == SIGNATURES
    ids = [f"{exercise.id}.{wrong.id}" for exercise in EXERCISES.values() for wrong in exercise.wrong]
    assert len(set(ids)) == len(ids) == 60
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
    names = {"torch": torch, "course": course}
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

    if exercise.id == "09":
        pytest.skip("is called without arguments")
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

    if exercise.id == "09":
        pytest.skip("an ablation has its faults or none")
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
        first = args[:1]
        return first.no_such_thing

    verdict = exercise.judge(faulty)
    assert verdict.message == f"{exercise.id}.raised"
    line = faulty.__code__.co_firstlineno + 2
    assert "AttributeError" in verdict.text
    assert f"line {line}, in faulty: return first.no_such_thing" in verdict.text
    assert "Traceback" not in verdict.text
    if exercise.id == "09":
        assert "It was called with" not in verdict.text
    else:
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
    ("06b", lambda W_phi, b_phi, U, V, W1, b1: W1 @ U @ V.T @ W_phi, "2 values are asked for"),
    ("06c", lambda U, V, W1, target: (U.T, W1), "where a tensor of shape (6, 3) is asked for"),
    ("07b", lambda a, b, order: {"a": a}, "returned a dict, where a tensor of shape (13,) is asked for"),
    ("09", lambda: {"change": {"rank": 1}}, "returned a dict, where an Ablation is asked for"),
    ("09", lambda: 1.0, "returned a number, where an Ablation is asked for"),
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


def seen_by_none(V):
    """As many columns that V^T does not see as V has, (d, r)."""
    return torch.linalg.qr(V, mode="complete").Q[:, V.shape[1] : 2 * V.shape[1]]


def pairs(order):
    """All whole k1 and k2 with |k1| + |k2| <= order."""
    k = range(-order, order + 1)
    return [(k1, k2) for k1 in k for k2 in k if abs(k1) + abs(k2) <= order]


def planned(**fields):
    kept = {"change": {"rank": 1}, "seeds": [0, 1, 2], "metric": "validation accuracy", "expect": "down"}
    return course.Ablation(**{**kept, "because": "one number is not enough", **fields})


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
    ("06a", "orthogonal", lambda U, V: U @ torch.linalg.pinv(U)),
    ("06c", "alone", lambda U, V, W, T: (torch.linalg.pinv(V.T) @ T + seen_by_none(V), W)),
    ("06c", "unchanged", lambda U, V, W, T: (U, 2 * W)),
    ("07a", "modulus", lambda lam, dt: 2 * torch.pi * dt / abs(lam)),
    ("07a", "steps", lambda lam, dt: [complex(2 * torch.pi / abs(lam.angle()))]),
    ("07b", "conjugates", lambda a, b, n: {cmath.exp(1j * x) for x in (p * a + q * b for p, q in pairs(n)) if x >= 0}),
    ("07b", "sums", lambda a, b, n: [p * cmath.exp(1j * a) + q * cmath.exp(1j * b) for p, q in pairs(n) if p >= 0]),
    ("08a", "batch", lambda s, t: np.linalg.norm(s - t) / np.linalg.norm(t)),
    ("09", "two-changes", lambda: planned(change={"rank": 1, "depth": 2, "width": 3}, seeds=[7], metric="test_error")),
    ("09", "seeds", lambda: planned(seeds=(4, 2), metric="accuracy on the test set")),
    ("09", "test-set", lambda: planned(metric="testError", expect="same")),
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


def test_the_messages_of_chapter_six_measure_the_answer():
    U, V = (M.numpy() for M in course.exercise("06a").draw(5)[0])
    text = course.exercise("06a").judge(lambda U, V: U @ V.T, 5).text
    assert text.endswith(f"|Pi Pi - Pi| = {np.linalg.norm(U @ (V.T @ U - np.eye(3)) @ V.T):.4g}.")
    U, V, W, T = (M.numpy() for M in course.exercise("06c").draw(5)[0])
    moved = np.linalg.norm(W @ U @ (np.linalg.inv(V.T @ U) @ T - np.eye(3)) @ V.T)
    text = course.exercise("06c").judge(lambda U, V, W, T: (U @ torch.linalg.inv(V.T @ U) @ T, W), 5).text
    assert f"Outputs moved by {moved:.4g} " in text
    assert "None can while U' has rank below 3" in text  # this target has an eigenvalue 0


def test_a_projection_built_from_its_eigenvectors_passes():
    """Pi has eigenvalue 1 on the columns of U, and 0 on what V^T does not see."""

    def projection(U, V):
        (d, r), rest = U.shape, torch.linalg.qr(V, mode="complete").Q[:, V.shape[1] :]
        basis = torch.cat([U, rest], 1)  # (d, d)
        return basis @ torch.diag(torch.tensor([1.0] * r + [0.0] * (d - r)).double()) @ torch.linalg.inv(basis)

    for seed in SEEDS:
        assert course.exercise("06a").judge(projection, seed).passed


def test_the_folded_map_does_what_the_layers_do_one_after_the_other():
    for W_phi, b_phi, U, V, W1, b1 in course.exercise("06b").draw(4):
        W, b = course.exercise("06b").right(W_phi, b_phi, U, V, W1, b1)
        for h in torch.eye(W_phi.shape[1]).double():
            phi = W_phi @ h + b_phi
            assert torch.allclose(W @ h + b, W1 @ (U @ (V.T @ phi)) + b1)


def test_any_regauging_passes_among_them_the_one_through_an_invertible_R():
    def regauge(U, V, W1, target):
        U_new = V @ torch.linalg.inv(V.T @ V) @ target + 3 * seen_by_none(V)
        both = (torch.cat([M, torch.linalg.qr(M, mode="complete").Q[:, M.shape[1] :]], 1) for M in (U, U_new))
        old, new = both
        R = new @ torch.linalg.inv(old)
        return R @ U, W1 @ torch.linalg.inv(R)

    for seed in SEEDS:
        verdict = course.exercise("06c").judge(regauge, seed)
        assert verdict.passed, verdict.text


def test_a_regauged_network_has_the_targets_eigenvalues_and_the_old_outputs():
    for U, V, W1, target in course.exercise("06c").draw(2):
        U_new, W1_new = course.exercise("06c").right(U, V, W1, target)
        wanted = np.sort_complex(np.linalg.eigvals(target.numpy()))
        assert np.allclose(np.sort_complex(np.linalg.eigvals((V.T @ U_new).numpy())), wanted)
        phi = torch.linspace(-1, 1, len(U), dtype=torch.float64)
        assert torch.allclose(W1_new @ U_new @ V.T @ phi, W1 @ U @ V.T @ phi)


def test_the_period_is_when_the_mode_has_come_round():
    """(lam / |lam|)^(period / dt) is 1, and not before."""
    for lam, dt in course.exercise("07a").draw(3):
        steps = float(course.exercise("07a").right(lam, dt)) / dt
        turned = cmath.exp(1j * cmath.phase(complex(lam)) * steps)
        assert abs(turned - 1) < 1e-9
        assert steps > 0
        assert abs(cmath.exp(1j * cmath.phase(complex(lam)) * steps / 2) + 1) < 1e-9


def test_a_lattice_may_come_in_any_order_twice_and_as_a_set():
    exercise = course.exercise("07b")

    def own(a, b, order):
        found = [cmath.exp(1j * a) ** p * cmath.exp(1j * b) ** q for p, q in pairs(order)]
        return [*reversed(found), found[3]]

    assert exercise.judge(own, 1).passed
    assert exercise.judge(lambda *args: set(own(*args)), 1).passed
    assert exercise.judge(lambda *args: np.array(own(*args), np.complex64), 1).passed
    assert len(exercise.right(0.3, 0.71, 2)) == 13  # 2 n (n + 1) + 1, the centred square numbers
    assert len(exercise.right(0.3, 0.71, 3)) == 25


def test_an_error_does_not_change_with_the_units_and_a_defect_counts_from_the_start():
    student, teacher = course.exercise("08a").draw(1)[0]
    error = course.exercise("08a").right
    assert float(error(10 * student, 10 * teacher)) == pytest.approx(float(error(student, teacher)))
    assert float(error(0 * teacher, teacher)) == pytest.approx(1)
    assert float(error(1.1 * teacher, teacher)) == pytest.approx(0.1)
    turn = torch.linspace(0, 6, 200, dtype=torch.float64)
    circle = torch.stack([turn.cos(), turn.sin(), 5 + 0 * turn], 1)  # (200, 3)
    V = torch.eye(3, dtype=torch.float64)
    defect = course.exercise("08b").right
    assert float(defect(V[:, 2:], circle)) == 0
    assert float(defect(V[:, :2], circle)) == pytest.approx(2, abs=1e-3)  # the far side of the circle


def test_a_plan_with_several_faults_hears_of_all():
    text = course.exercise("09").judge(lambda: planned(change={"rank": 1, "depth": 2}, seeds=[3], metric="test")).text
    assert text.startswith(
        "Which one did it? You change `rank` and `depth` at once. The spread of one seed is unknown."
    )
    assert text.endswith("Choose on validation; open the test once.")
    raised = course.exercise("09").judge(lambda: planned(expect="better"))
    assert raised.message == "09.raised"
    assert "expect must be one of 'up', 'down', 'same', got 'better'" in raised.text
    assert "Nothing is missing." in course.exercise("09").judge(planned).text
    assert "got an Ablation" in course.exercise("09").judge(planned()).text


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
