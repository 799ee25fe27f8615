"""What README.md and CONTRIBUTING.md promise is so: code prints what stands below it, commands and files exist."""

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def blocks(text: str) -> list[tuple[str, str, bool]]:
    """The fenced blocks of a page: language, content, and whether only white space parts it from the last."""
    found, end = [], None
    for match in BLOCK.finditer(text):
        found.append((match[1], match[2], end is not None and not text[end : match.start()].strip()))
        end = match.end()
    return found


def examples(text: str) -> list[tuple[str, str | None]]:
    """Each python block with the text block that directly follows it, or None."""
    listed = blocks(text)
    following = [*listed, ("", "", False)][1:]
    return [
        (code, shown if direct and other in ("", "text") and shown else None)
        for (language, code, _), (other, shown, direct) in zip(listed, following, strict=True)
        if language == "python"
    ]


def differences(stated: str, printed: str) -> list[str]:
    """Where a printed text is not the stated one: words must be equal, numbers to the digits stated."""
    if NUMBER.sub("#", stated).split() != NUMBER.sub("#", printed).split():
        return [f"stated {stated!r}, printed {printed!r}"]
    pairs = zip(NUMBER.findall(stated), NUMBER.findall(printed), strict=True)
    return [f"stated {s}, printed {p}" for s, p in pairs if abs(float(s) - float(p)) > half_a_digit(s)]


def half_a_digit(number: str) -> float:
    """Half a unit of the last digit stated; 0 for whole numbers, which are counts."""
    mantissa, _, exponent = number.partition("e")
    _, point, decimals = mantissa.partition(".")
    if not point and not exponent:
        return 0.0
    return 0.5000001 * 10.0 ** (int(exponent or 0) - len(decimals))


def commands(text: str, program: str) -> list[str]:
    """The lines of shell blocks and the inline code that call a program."""
    shell = [line for language, content, _ in blocks(text) if language != "python" for line in content.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    lines = [re.sub(r"(^|\s)#.*", "", line).strip().removeprefix("$ ") for line in shell + inline]
    return [line for line in lines if line.startswith(program + " ")]


def links(text: str) -> list[str]:
    """The relative addresses of a page's links and pictures."""
    prose = re.sub(r"`[^`\n]+`", "", BLOCK.sub("", text))
    addresses = re.findall(r"\]\(([^)\s]+)", prose) + re.findall(r"(?:src|href)=\"([^\"]+)\"", prose)
    return [a.split("#")[0] for a in addresses if not re.match(r"[a-z]+:|#", a)]


def page(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def run(code: str, folder: pathlib.Path) -> str:
    command = [sys.executable, "-W", "error::UserWarning:simviz", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def help_of(command: str) -> str:
    """The help of the very subcommand that a command line calls; argparse refuses an unknown one first."""
    words = shlex.split(command)[1:]
    run = [sys.executable, "-c", "from simviz.cli import main; import sys; sys.exit(main())", *words, "--help"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


EXAMPLES = examples(page("README.md"))


@pytest.mark.slow
@pytest.mark.parametrize(("code", "stated"), EXAMPLES, ids=[f"block {i}" for i in range(len(EXAMPLES))])
def test_the_code_in_the_readme_prints_what_stands_below_it(tmp_path, code, stated):
    printed = run(code, tmp_path)
    assert stated is None or differences(stated, printed) == []


def test_the_readme_has_code_with_a_stated_result():
    assert any(stated for _, stated in EXAMPLES)


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_named_exists(name):
    targets = set(re.findall(r"^([a-z]+):", page("Makefile"), re.M))
    named = {word for line in commands(page(name), "make") for word in line.split()[1:] if "=" not in word}
    assert named <= targets
    assert named


@pytest.mark.parametrize("command", sorted({c for name in PAGES for c in commands(page(name), "simviz")}))
def test_every_simviz_command_named_exists_with_its_options(command):
    text = help_of(command)
    options = [word.split("=")[0] for word in shlex.split(command) if word.startswith("-")]
    assert [option for option in options if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text)] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_and_picture_is_there(name):
    assert [address for address in links(page(name)) if not (ROOT / address).exists()] == []


def rows(name: str) -> list[list[str]]:
    """The rows of a page's tables, cell by cell."""
    lines = [line for line in page(name).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def row(table: list[list[str]], *first: str) -> list[str]:
    """The one row that begins like this, without these cells and with the spreads cut off."""
    (found,) = [cells for cells in table if cells[: len(first)] == list(first)]
    return [re.sub(r" \(.*\)|, once$", "", cell) for cell in found[len(first) :]]


def test_the_readmes_table_has_the_numbers_of_the_pages_that_it_names():
    speed, quality = rows("docs/speed.md"), rows("docs/quality.md")
    anderson = [[float(cell) for cell in row(speed, units, "spread", "1e-6")] for units in ("128", "512")]
    training, folded, _ = zip(row(speed, "one"), row(speed, "two"), strict=True)
    named = ("single-tier SIM", "deep equilibrium model", "plain net widened to the SIM's parameters")
    sim, deq, plain = (row(quality, "mnist5k", model)[1:4] for model in named)
    edmd = row(speed, "condition 550, held out")[1:]
    jacobian = [row(speed, *first)[-1] for first in (("tanh, 1,000",), ("convolutional, 4,096",))]
    van_der_pol = [row(quality, "Van der Pol, mu 1", seed) for seed in "012"]
    gradients = [row(speed, units, "the defaults, Anderson and GMRES")[-1] for units in ("128", "512")]
    promised = [
        "{:.1f} and {:.1f} times fewer evaluations".format(*(a[1] / a[0] for a in anderson)),
        "{:.2f} and {:.2f} times faster (128, 512 units)".format(*(a[2] for a in anderson)),
        "{:.1f} and {:.1f} times fewer, ".format(*(a[3] / a[0] for a in anderson)),
        "{:.2f} and {:.2f} times faster |".format(*(a[4] for a in anderson)),
        f"| {gradients[0]} and {gradients[1]}: torchdeq is faster |",
        f"| {jacobian[0]} and {jacobian[1]} times faster |",
        f"| {edmd[0]}, {edmd[1]} and {edmd[2]} times faster |",
        f"| {training[0]} and {training[1]}: hardly faster",
        f"| {folded[0]} and {folded[1]} times faster |",
        f"one-tier SIM {sim[0]} ± {sim[1]} per cent in {sim[2]} s; DEQ {deq[0]} ± {deq[1]} in {deq[2]} s; "
        f"plain net {plain[0]} ± {plain[1]} in {plain[2]} s",
        f"period within {max(float(v[0]) for v in van_der_pol):.3f} per cent, "
        f"set within {max(float(v[1]) for v in van_der_pol):.4f}",
    ]
    first, update, beside = (
        row(rows("docs/live.md"), what)
        for what in (
            "Start to the first moving point",
            "from a change in Python to pixels",
            "seconds a step with a figure open, beside none",
        )
    )
    milliseconds = [re.search(r"median (\d+) ms", cells[0])[1] for cells in (first, update)]
    promised += [
        f"| {first[1]}; {update[1].split(' at')[0]} wanted | {milliseconds[0]} ms; {milliseconds[1]} ms |",
        f"| {beside[0].split(' times')[0]} times as long: we had asked for {beside[1].split(':')[0]} |",
    ]
    peaks = [int(cells[2].removesuffix(" MB")) for cells in rows("docs/binder.md") if re.match(r"\d\d_", cells[0])]
    promised.append(f"| 1,000 MB guaranteed | {max(peaks)} MB at most |")
    assert len(peaks) == 10
    assert [words for words in promised if words not in page("README.md")] == []


SAMPLE = """# Sample
`make test`, see [the map](CONTRIBUTING.md#map) and [nothing](missing/file.md), [far](https://example.org).

![a picture](docs/none.png) <img src="docs/none.svg">

```bash
pip install simviz
simviz train classify --model single   # a comment with make nonsense
make lab PYTHON=python3
```

```python
print("radius", 0.30012, "steps", 12)
```

```text
radius 0.300 steps 12
```

```python
print("no result stated")
```

Prose between them.

```text
make other
```
"""


def test_a_page_is_read_as_a_person_would_read_it():
    (first, stated), (second, nothing) = examples(SAMPLE)
    assert first.startswith('print("radius"')
    assert second.startswith('print("no result')
    assert stated == "radius 0.300 steps 12\n"
    assert nothing is None
    assert commands(SAMPLE, "make") == ["make lab PYTHON=python3", "make other", "make test"]
    assert commands(SAMPLE, "simviz") == ["simviz train classify --model single"]
    assert links(SAMPLE) == ["CONTRIBUTING.md", "missing/file.md", "docs/none.png", "docs/none.svg"]


@pytest.mark.parametrize(
    ("stated", "printed", "same"),
    [
        ("radius 0.300 steps 12", "radius 0.30012  steps 12\n", True),
        ("radius 0.300 steps 12", "radius 0.3006 steps 12", False),
        ("radius 0.300 steps 12", "radius 0.300 steps 13", False),
        ("radius 0.300 steps 12", "size 0.300 steps 12", False),
        ("error 1.2e-05", "error 1.24e-05", True),
        ("error 1.2e-05", "error 1.26e-05", False),
        ("a 1", "a 1\nb 2", False),
        ("-0.5", "0.5", False),
    ],
)
def test_results_are_compared_to_the_digits_stated(stated, printed, same):
    assert (differences(stated, printed) == []) is same


def test_code_that_raises_or_warns_is_seen(tmp_path):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run("1 / 0", tmp_path)


@pytest.mark.parametrize("command", ["simviz fly", "simviz train classify --model nonsense"])
def test_a_command_that_does_not_exist_is_seen(command):
    with pytest.raises(AssertionError, match="invalid choice"):
        help_of(command)
