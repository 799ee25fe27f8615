"""Which misconceptions did a class come with, and which did it leave with? Twelve items in two twin forms, A and B.

An item is a `Question` of the course's own kind; twins differ by map and numbers, and right answers stand at other
places. The pages are written from here when the book is built; tests/test_inventory.py computes every number.
"""

import dataclasses
import pathlib

from simviz.course.questions import Option, Question


@dataclasses.dataclass(frozen=True)
class Item:
    """A misconception in a reader's words, the chapter that breaks it and by what, and its twins."""

    belief: str
    chapter: str
    broken: str
    a: Question
    b: Question

    @property
    def number(self) -> int:
        """From 1, as in the list of misconceptions."""
        return int(self.a.id[1:])


def _twin(id: str, text: str, *options: tuple[str, str] | tuple[str, str, bool]) -> Question:
    letters = "abcd"
    return Question(id, text, tuple(Option(letters[place], *option) for place, option in enumerate(options)))


ITEMS = (
    Item(
        "Infinite depth means infinite power.", "01_fixed_points", "counts the parameters of one cell, and makes one "
        "network of two that are stacked",
        _twin(
            "A1",
            "A cell f(z, x) = tanh(W_z z + W_x x + b) has z with 3 units and x with 2 inputs. It is applied 200 times, "
            "until z stands still. “So this is a network of 200 layers,” says a colleague, “and can represent what "
            "networks of 200 layers can.” What do you say?",
            ("Yes. Depth is what counts.",
             "Two hundred free layers would have 200 sets of weights. Here every layer is the same one."),
            ("No. All 200 applications share the same 18 numbers.",
             "9 + 6 + 3 numbers are learned, however often they are used.", True),
            ("Not yet. It would, if the cell were applied infinitely often.",
             "Further applications do not move z any more. No number to learn is added by them."),
            ("No. After 200 applications z has forgotten x.",
             "It has forgotten where z began. x enters at every application, so the fixed point depends on it."),
        ),
        _twin(
            "B1",
            "A cell f(z, x) = tanh(W_z z + W_x x + b) has z with 4 units and x with 3 inputs. It is applied 1,000 "
            "times, until z stands still. A colleague wants “the power of a thousand layers” and asks how many numbers "
            "it has to learn. What do you say?",
            ("32, and its power is that of a family of functions with 32 numbers.",
             "16 + 12 + 4. Each application uses the same ones.", True),
            ("32,000, a set for each layer.",
             "That is a network of a thousand free layers. Here there is one layer, used a thousand times."),
            ("32, but in the limit of infinite depth it can represent every function.",
             "In the limit it gives z*(x), one function for each choice of the 32 numbers, and no more."),
            ("None of it matters: after 1,000 applications x has been forgotten.",
             "What has been forgotten is where z began. x is held fixed and enters every time."),
        ),
    ),
    Item(
        "Below radius 1 every step comes nearer.", "01_fixed_points", "lets an error grow 13.5 times at radius 0.9",
        _twin(
            "A2",
            "Near a fixed point an error follows e → J e with J = [[0.8, 4], [0, 0.7]]. Its spectral radius is 0.8. "
            "Someone measures |e| = 1 and, one step later, |e| = 4.06. What has happened?",
            ("A mistake: with radius 0.8 an error of 1 is at most 0.8 a step later.",
             "That holds for the norm of J, which is above 4. The radius promises it for the end only."),
            ("It goes on like this, and the iteration diverges.",
             "30 steps later the error is 0.05. Both eigenvalues are inside the circle."),
            ("J must be nonlinear.",
             "It is a matrix. e = (0, 1) becomes (4, 0.7), without any nonlinearity."),
            ("Nothing unusual: in the end errors shrink by 0.8 a step.",
             "J turns one direction into another before both have shrunk. The radius is the rate of the tail.", True),
        ),
        _twin(
            "B2",
            "Near a fixed point an error follows e → J e with J = [[-0.5, 3], [0, 0.6]]. Its spectral radius is 0.6. "
            "Someone measures |e| = 1 and, one step later, |e| = 3.06. What has happened?",
            ("The iteration has begun to diverge.",
             "30 steps later the error is below a millionth. Both eigenvalues are inside the circle."),
            ("Nothing unusual: in the end errors shrink by 0.6 a step.",
             "e = (0, 1) becomes (3, 0.6). The radius is the rate of the tail, not of the first steps.", True),
            ("A mistake: with radius 0.6 an error of 1 is at most 0.6 a step later.",
             "That would need a norm of 0.6. The norm of J is above 3."),
            ("The negative eigenvalue makes every second step grow.",
             "It turns the sign of one part at each step and shrinks it to a half. Growth comes from the 3."),
        ),
    ),
    Item(
        "Above radius 1 there is no fixed point, and a solver must fail.", "01_fixed_points", "has Anderson return the "
        "hollow point, and a nudge end it",
        _twin(
            "A3",
            "f(z) = 3 cos z. Plain iteration that starts close to 1.170 leaves for elsewhere. Anderson returns "
            "z = 1.1701 with a residual below 1e-10. The slope of f there is -2.76. What is 1.1701?",
            ("No fixed point: where the slope is beyond -1 there is none.",
             "f(1.1701) = 1.1701, and this is all that a fixed point has to do. The slope says what iteration does."),
            ("A fixed point that plain iteration leaves.",
             "A pencil on its tip: found by a root finder, ended by a nudge.", True),
            ("A fixed point that Anderson has made stable: iteration would now stay.",
             "Finding a point does not change f. Move z by a thousandth, and plain iteration leaves."),
            ("An error of rounding.",
             "The residual of a wrong answer would be seen: a thousandth beside the root it is 0.004."),
        ),
        _twin(
            "B3",
            "f(z) = 3.4 z (1 - z). Plain iteration ends by jumping between 0.452 and 0.842. Anderson returns z = "
            "0.7059 with a residual below 1e-10. The slope of f there is -1.4. What is 0.7059?",
            ("The mean of the two values, which is all that Anderson can see.",
             "Their mean is 0.647. And the mean of a cycle is no root; this is one: f(0.7059) = 0.7059."),
            ("No fixed point: where the slope is beyond -1 there is none.",
             "1 - 1/3.4 solves z = f(z). The slope says what plain iteration does beside it."),
            ("A fixed point that Anderson has made stable: iteration would now stay.",
             "f is what it was. From 0.7069 plain iteration goes back to its two values."),
            ("A fixed point that plain iteration leaves.",
             "It stands between the two values like a pencil on its tip, and a root finder returns it.", True),
        ),
    ),
    Item(
        "The implicit gradient differentiates the solver.", "02_deep_equilibrium", "swaps the solver and gets the same "
        "gradient",
        _twin(
            "A4",
            "z* = 0.9 cos z* + x at x = 0.4. Picard finds z* = 0.93467 in 86 evaluations, Broyden in 7; they agree to "
            "eleven digits. What is true of the implicit gradient dz*/dx?",
            ("It is 0.5801 for both.",
             "1 / (1 + 0.9 sin z*) needs z* alone. Whoever found z*, the number is the same.", True),
            ("Picard's is more exact, since it has more steps to go back through.",
             "No step is gone back through. The equation for the gradient is posed at z*."),
            ("Broyden's differs: its updates are differentiated as well.",
             "They would be if the solver were unrolled. The implicit gradient does not know them."),
            ("Only Picard's exists, because it applies f and nothing else.",
             "The derivative of a root does not ask how the root was found."),
        ),
        _twin(
            "B4",
            "z* = tanh(0.9 z* + x) at x = 0.3. Picard finds z* = 0.75147 in 31 evaluations, Anderson in 13; they agree "
            "to eleven digits. What is true of the implicit gradient dz*/dx?",
            ("Anderson's differs: its weights are differentiated as well.",
             "They would be if the solver were unrolled. The implicit gradient does not know them."),
            ("Only Picard's exists, because it applies f and nothing else.",
             "The derivative of a root does not ask how the root was found."),
            ("It is 0.7157 for both.",
             "With c = 1 - z*², it is c / (1 - 0.9 c): z* is all that is in it.", True),
            ("Picard's is more exact, since it has more steps to go back through.",
             "No step is gone back through. The equation for the gradient is posed at z*."),
        ),
    ),
    Item(
        "Koopman is linearisation by Taylor.", "03_koopman", "has ratios that are exact far from the fixed point",
        _twin(
            "A5",
            "F(s1, s2) = (0.8 s1, 0.3 s2 + 0.34 s1²), with the fixed point 0. Let h(s) = s2 - s1². What is "
            "h(F(s)) / h(s) at s = (10, -4)?",
            ("About 0.3 near 0. At (10, -4), far away, it is something else.",
             "That would hold for a Taylor expansion. This ratio is -31.2 / -104, exactly 0.3."),
            ("0.8: the largest eigenvalue wins.",
             "It does in a long run of most observables. h has its own eigenvalue, at every step."),
            ("0.3, as at every state where h is not 0.",
             "h is an eigenfunction: nothing was expanded, so nothing is lost far out.", True),
            ("One would need the Jacobian at (10, -4) to know.",
             "No Jacobian is in h(F(s)): put s in and divide."),
        ),
        _twin(
            "B5",
            "F(s1, s2) = (0.9 s1, 0.5 s2 + 0.31 s1²), with the fixed point 0. Let h(s) = s2 - s1². What is "
            "h(F(s)) / h(s) at s = (-6, 5)?",
            ("0.9: the largest eigenvalue wins.",
             "It does in a long run of most observables. h has its own eigenvalue, at every step."),
            ("0.5, as at every state where h is not 0.",
             "-15.5 / -31. h is an eigenfunction, near the fixed point and far from it.", True),
            ("One would need the Jacobian at (-6, 5) to know.",
             "No Jacobian is in h(F(s)): put s in and divide."),
            ("About 0.5 near 0. At (-6, 5), far away, it is something else.",
             "That would hold for a Taylor expansion. Nothing was expanded here."),
        ),
    ),
    Item(
        "A printed eigenvalue is an eigenvalue.", "03_koopman", "meets the liar, then residuals that are 0 on the "
        "fit's own snapshots",
        _twin(
            "A6",
            "EDMD with 60 observables on 50 snapshots. On these snapshots every residual is below 1e-10. What do you "
            "do next?",
            ("Report all 60 eigenvalues: the residuals are as small as numbers get.",
             "With more observables than snapshots every fit is perfect, whatever the system."),
            ("Add observables, until the residuals are exactly 0.",
             "They are 0 for a bad reason already. More observables make the reason worse."),
            ("Record with a shorter dt, so that the residuals get smaller still.",
             "A shorter step makes every residual smaller and proves nothing."),
            ("Compute the residuals on snapshots that the fit has not seen.",
             "A receipt is written by someone else. Fresh snapshots tell the true ones from the others.", True),
        ),
        _twin(
            "B6",
            "EDMD with 90 observables on 80 snapshots. One eigenvalue is 0.7312, and on these snapshots its residual "
            "is below 1e-10. What is known of it?",
            ("That it is an eigenvalue of the system, to ten digits.",
             "It is one of a matrix that passes through all 80 snapshots, as it would for any system."),
            ("Nothing yet. On fresh snapshots its residual may be large.",
             "90 observables tell 80 snapshots apart, so the fit is perfect and says nothing.", True),
            ("That dt was short enough.",
             "The step has no part in it: at any dt this fit is perfect."),
            ("That it is one, but that there are 89 more with larger residuals.",
             "They all have residuals near 0 here, and for the same reason."),
        ),
    ),
    Item(
        "Eigenvalue 1 found, so a fixed point is found.", "03_koopman",
        "finds 1 with residual 0 for Lorenz, the constant",
        _twin(
            "A7",
            "Lorenz's system, which is chaotic. The observables are 1, s1, s2, s3. Someone reports the eigenvalue "
            "1.0000 with residual 0, also on fresh snapshots. What has been found?",
            ("The constant function.",
             "1 after the step is 1, so it has the eigenvalue 1 for every system, and says nothing of this one.", True),
            ("A stable fixed point.",
             "There is none. Who reports 1 must show an eigenfunction that is not constant."),
            ("A quantity that the flow conserves, such as an energy.",
             "It would be an eigenfunction of 1 that is not constant. Nothing but the constant was shown."),
            ("That the system has come to rest.",
             "The orbit goes on for ever. The constant does not notice."),
        ),
        _twin(
            "B7",
            "The logistic map s → 4 s (1 - s), which is chaotic. The observables are 1, s, s². Someone reports the "
            "eigenvalue 1.0000 with residual 0, also on fresh snapshots. What has been found?",
            ("A point where the orbit finally rests.",
             "Nearly every orbit of this map goes on without rest. Only its constant stands still."),
            ("A quantity that the map conserves, such as a mass.",
             "It would be an eigenfunction of 1 that is not constant. Nothing but the constant was shown."),
            ("The constant function.",
             "1 after the step is 1, so it has the eigenvalue 1 for every system, and says nothing of this one.", True),
            ("That the fit was made on too few snapshots.",
             "It is right on any number of them. It is only worth nothing."),
        ),
    ),
    Item(
        "Modulus 1 is nearly unstable, and bad.", "04_invariant_sets", "takes these modes away, and after 1,000 steps "
        "nothing is left",
        _twin(
            "A8",
            "A model of a rhythm has modes of moduli 1, 1, 0.97 and 0.6. To be safe, someone removes the two that are "
            "“on the verge of instability”. What is left of the signal after 1,000 steps?",
            ("The same rhythm, now safe from growing.",
             "The rhythm was carried by the two that were removed."),
            ("Practically nothing.",
             "0.97 to the power 1,000 is below 1e-13. Modulus 1 is what lasts; below it all is on its way out.", True),
            ("The mode of modulus 0.97, as the new main rhythm.",
             "Half of it is gone after 23 steps, and after 1,000 steps all of it."),
            ("A constant.",
             "That would be a mode with eigenvalue 1, which has modulus 1 as well."),
        ),
        _twin(
            "B8",
            "A model of a rhythm has modes of moduli 1, 1, 1, 0.95 and 0.8. To be safe, someone shrinks the three of "
            "modulus 1 to 0.95. What is left of the signal after 500 steps?",
            ("The same rhythm, a little more quietly.",
             "A little at each step: 14 steps halve it, 500 steps end it."),
            ("The same rhythm, now safe from growing.",
             "Modulus 1 does not grow. It is the one modulus that keeps a rhythm."),
            ("A constant.",
             "A constant has eigenvalue 1, and no mode of modulus 1 is left."),
            ("Practically nothing.",
             "0.95 to the power 500 is below 1e-11. What is to last must have modulus 1, neither more nor less.", True),
        ),
    ),
    Item(
        "The spectrum shows the set.", "04_invariant_sets", "gives a circle and an ellipse one spectrum",
        _twin(
            "A9",
            "Two maps of the plane come to closed curves. Both have exactly the persistent eigenvalues exp(0.3 i k), "
            "k any integer. Must the two curves look alike?",
            ("Yes. The same eigenvalues, the same dynamics, the same set.",
             "The same clock. A circle and a bean may be run through at the same pace."),
            ("Yes, up to size and place.",
             "An ellipse is no circle of another size, and has the circle's eigenvalues."),
            ("No. They share the clock and nothing else.",
             "The shape is in how the state is read back. A change of coordinates leaves every eigenvalue.", True),
            ("No, but then the residuals of one of them are not 0.",
             "Both may be exact. A residual asks about the clock too, not about the shape."),
        ),
        _twin(
            "B9",
            "A circle turns by 0.7 a step. The plane is then bent, so that the circle becomes a thin crescent, and the "
            "map is written in the new coordinates. What do its eigenvalues do?",
            ("They stay where they are.",
             "h of the unbent state is an eigenfunction again, with the same eigenvalue.", True),
            ("They move, as the shape is another one.",
             "The shape is not in the spectrum. It is in how the state is read back."),
            ("They stay on the circle, at other angles.",
             "The angles say how long a turn takes, and it takes as long as before."),
            ("New ones appear, since a crescent needs more harmonics.",
             "All multiples of 0.7 were eigenvalues before. The crescent uses more of them to read the state back."),
        ),
    ),
    Item(
        "A stationary density means that things have stopped.", "05_perron_frobenius", "has twins part while bars "
        "stand still",
        _twin(
            "A10",
            "100,000 points move by s → 4 s (1 - s). Their histogram has not changed for many steps. One of them is "
            "now at 0.2. What is true of it?",
            ("It rests at 0.2: the histogram stands still because the points do.",
             "4 · 0.2 · 0.8 = 0.64. A histogram also stands still when as many come as go."),
            ("It moves towards 0.5, the mean of all points.",
             "No orbit follows the mean. This one is at 0.64 next, and at 0.92 after that."),
            ("It has joined a cycle, so that each bar gets back what it gave.",
             "What a bar loses it gets back from other points. No cycle is needed."),
            ("Next it is at 0.64, and others come in its place.",
             "As many come into a bar as leave it: the density stands still, and every point goes on.", True),
        ),
        _twin(
            "B10",
            "100,000 points move by the tent map: s → 2 s below 0.5, s → 2 - 2 s above. Their histogram is flat and "
            "has not changed for many steps. One of them is now at 0.3. What is true of it?",
            ("It moves towards 0.5, the mean of all points.",
             "No orbit follows the mean. This one is at 0.6 next, and at 0.8 after that."),
            ("Next it is at 0.6, and others come in its place.",
             "As many come into a bar as leave it: the density stands still, and every point goes on.", True),
            ("It rests at 0.3: the histogram stands still because the points do.",
             "2 · 0.3 = 0.6. A histogram also stands still when as many come as go."),
            ("It has joined a cycle, so that each bar gets back what it gave.",
             "What a bar loses it gets back from other points. No cycle is needed."),
        ),
    ),
    Item(
        "A trained SIM's U Vᵀ shows its dynamics.", "06_single_and_two_tier", "turns coordinates until the spectrum "
        "is whatever one likes, and folds it away",
        _twin(
            "A11",
            "A one-tier SIM classifies digits. Of the eigenvalues of Vᵀ U, which are those of U Vᵀ but for zeros, "
            "the largest is 0.99. What follows for the network?",
            ("It holds a slow mode, of which half is left after 69 steps.",
             "It takes no steps. There is no map F of which this could be an eigenvalue."),
            ("Nothing. In other inner coordinates it is 2.",
             "U becomes R U, the decoder's first matrix W₁ becomes W₁ R⁻¹: Vᵀ U changes, and no output does.", True),
            ("It is stable, since 0.99 is below 1.",
             "In other coordinates the same network has 2. Stability of what, one would have to say."),
            ("It should be evaluated for some hundred steps more.",
             "It is one pass. Folded, U Vᵀ is gone into a single matrix."),
        ),
        _twin(
            "B11",
            "A one-tier SIM classifies images. Of the eigenvalues of Vᵀ U, which are those of U Vᵀ but for zeros, "
            "the largest is 1.7. What follows for the network?",
            ("It is unstable, and its answers will grow.",
             "An answer is one pass: nothing is there that could grow."),
            ("It must be trained further, until all of them are below 1.",
             "In other coordinates they are below 1 at once, and no output has moved."),
            ("Inside, it iterates a map that stretches by 1.7.",
             "Inside, there is no map F and no iteration. U Vᵀ is multiplied once."),
            ("Nothing. In other inner coordinates it is 0.5.",
             "U becomes R U, the decoder's first matrix W₁ becomes W₁ R⁻¹: Vᵀ U changes, and no output does.", True),
        ),
    ),
    Item(
        "A DEQ cannot give a rhythm, and a SIM beats it by invariance.", "07_beyond_fixed_points", "tells a DEQ the "
        "time, and puts a plain net into the race",
        _twin(
            "A12",
            "A DEQ is trained by squared error to give the value of 2 + sin(ωt), but is not told t. It learns to say "
            "2. Now cos ωt and sin ωt are added to its input. What can it say at best?",
            ("The rhythm: for each t another input, so another fixed point.",
             "A clock was missing, and not invariance. A plain net that is told the time can do it as well.", True),
            ("Still 2: a fixed point does not move.",
             "For one input it does not. Here the input is another one at every t."),
            ("Still 2, until an eigenvalue of its Jacobian has modulus 1.",
             "The eigenvalues say how fast it settles. It may settle fast, on another point for each t."),
            ("A rhythm, but only a SIM gets the amplitude right, thanks to its invariant set.",
             "sin ωt is in the input: the readout needs to pass it on. The SIM's gain is that it learns ω by itself."),
        ),
        _twin(
            "B12",
            "A DEQ is trained by squared error to give the value of 3 cos(ωt) - 1, but is not told t. It learns to say "
            "-1. A SIM, which has a clock of its own that it learned, draws the rhythm. What has been shown?",
            ("That fixed points cannot draw a rhythm.",
             "Give the DEQ cos ωt and sin ωt: for each t another input, so another fixed point."),
            ("That invariant sets beat fixed points.",
             "A plain net that is told the time draws the rhythm too, without any invariance."),
            ("That the DEQ was not trained long enough.",
             "-1 is the mean, and for squared error the best that can be said without the time."),
            ("That this task needs a clock.",
             "The DEQ was given none. That it learns its clock is what the SIM adds: claim that, and no more.", True),
        ),
    ),
)  # fmt: skip
"""In the order of the list of misconceptions."""


def write(folder: pathlib.Path) -> None:
    """Write both forms, without a word on what is right, and the key."""
    folder.mkdir(exist_ok=True)
    for form in "ab":
        (folder / f"form_{form}.md").write_text(_form(form), encoding="utf-8")
    (folder / "key.md").write_text(_key(), encoding="utf-8")


def _form(form: str) -> str:
    lines = [
        f"# Inventory, form {form.upper()}", "",
        "Twelve questions, twenty minutes, on paper or on the screen, without a computer's help. Mark one answer each, "
        "and beside it **s** for sure or **g** for a guess. It is not graded.", "",
    ]  # fmt: skip
    for item in ITEMS:
        question = getattr(item, form)
        lines += [f"## {question.id}", "", _plain(question.text), ""]
        lines += [f"- **{option.key}**  {_plain(option.text)}" for option in question.options] + [""]
    return "\n".join(lines)


def _key() -> str:
    lines = [
        "# Inventory, answer key", "",
        "Not for learners before the last test. Each item stands for one misconception; its twins ask for the same "
        "with another map and other numbers.", "",
        "| item | form A | form B | broken in |", "|---|---|---|---|",
    ]  # fmt: skip
    for item in ITEMS:
        a, b = (next(option.key for option in question.options if option.right) for question in (item.a, item.b))
        lines.append(f"| {item.number} | {a} | {b} | [chapter {item.chapter[1]}](../notebooks/{item.chapter}.ipynb) |")
    for item in ITEMS:
        lines += ["", f"## {item.number}. “{item.belief}”", ""]
        lines += [f"[Chapter {item.chapter[1]}](../notebooks/{item.chapter}.ipynb) breaks it: it {item.broken}.", ""]
        for question in (item.a, item.b):
            lines += [f"**{question.id}**", ""]
            for option in question.options:
                mark = "✓ " if option.right else ""
                lines.append(f"- **{option.key}** {mark}*{_plain(option.text)}* {_plain(option.says)}")
            lines.append("")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """A text that Markdown leaves as it is."""
    return "".join("\\" + letter if letter in r"\*_[]<>^$`" else letter for letter in text)
