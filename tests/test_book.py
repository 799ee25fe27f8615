"""The book: chapters with pictures in words, an entry for every name, pages that say what is so; all offline."""

import html.parser
import importlib
import inspect
import pathlib
import pkgutil
import re
import subprocess
import sys
from collections import Counter

import nbformat
import pytest

import simviz
from simviz import live
from simviz.course.exercises import EXERCISES
from simviz.course.questions import QUESTIONS
from tests.test_inventory import inventory
from tests.test_readme import commands, differences, examples, help_of, run

ROOT = pathlib.Path(__file__).parents[1]
BOOK = ROOT / "docs" / "book"
WRITTEN = {path.relative_to(BOOK).as_posix(): path.read_text(encoding="utf-8") for path in BOOK.rglob("*.md")}
"""The pages that are written by hand, by their path."""
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself."""


class Page(html.parser.HTMLParser):
    """What a page loads, links to and calls by an id, its pictures' alternative texts, and what unfolds in it."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path, self.loaded, self.links, self.ids, self.alts = path, [], [], set(), []
        self.folds, self._inside = [], []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_endtag(self, tag):
        if tag == "details" and self._inside:
            self.folds.append(self._inside.pop())
        elif tag == "summary" and self._inside:
            self._inside[-1]["summary"] = " ".join("".join(self._inside[-1].pop("said")).split())
            self._inside[-1]["said"] = []

    def handle_data(self, data):
        for fold in self._inside:
            fold["said"].append(data)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "details":
            self._inside.append({"summary": "", "said": [], "open": "open" in given})
        if given.get("id"):
            self.ids.add(given["id"])
        if tag in LOADED and given.get(LOADED[tag]):
            self.loaded.append(given[LOADED[tag]])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "img":
            self.alts.append(given.get("alt"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, str(ROOT / "docs" / "book" / "build.py"), "--fast", "--out", str(out)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert made.returncode == 0, made.stdout + made.stderr
    return {path.relative_to(out / "html").as_posix(): Page(path) for path in (out / "html").rglob("*.html")}


@pytest.mark.slow
def test_every_chapter_is_a_page_with_its_figures_as_pictures_in_words(pages):
    for chapter in CHAPTERS:
        page = pages[f"notebooks/{chapter}.html"]
        assert page.text.count('class="simviz-still only-light"') == page.text.count('class="simviz-still only-dark"')
        assert page.text.count("only-light") >= 1
        assert all(alt and len(alt) > 30 for alt in page.alts)
        assert "Loading widget" not in page.text
        assert "LiveFigure object" not in page.text
        assert "<details" in page.text  # its predictions answer without a kernel
        assert f"notebooks/{chapter}.html" in pages["index.html"].links
    assert "<math" in pages["notebooks/03_koopman.html"].text


@pytest.mark.slow
def test_nothing_is_fetched_from_elsewhere_and_every_link_within_leads_somewhere(pages):
    for name, page in pages.items():
        for address in page.loaded:
            assert address.startswith("data:") or not re.match(r"\w+:|//", address), f"{name} fetches {address[:100]}"
        for link in page.links:
            if re.match(r"\w+:", link):
                assert link.startswith("https://"), f"{name} links to {link}"
                continue
            target, _, place = link.partition("#")
            there = (page.path.parent / target).resolve() if target else page.path
            assert there.exists(), f"{name} links to {link}"
            if place and there.suffix == ".html":
                (other,) = (p for p in pages.values() if p.path.resolve() == there.resolve())
                assert place in other.ids, f"{name} links to {link}"


@pytest.mark.slow
def test_predictions_open_a_sentence_for_every_option_without_a_kernel(pages):
    asked = []
    for chapter in CHAPTERS:
        notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
        source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
        ids = re.findall(r"course\.predict\(\"([^\"]+)\"\)", source)
        folds = {fold["summary"]: fold for fold in pages[f"notebooks/{chapter}.html"].folds}
        for id in ids:
            assert not any(folds[option.text]["open"] for option in QUESTIONS[id].options)
            for option in QUESTIONS[id].options:
                said = " ".join("".join(folds[option.text]["said"]).split())
                mark = "✓ Right." if option.right else "○ Not this one."
                assert said == f"{mark} {option.says}"
        asked += ids
        shown = pages[f"notebooks/{chapter}.html"].text.count("<strong>Predict.</strong>")
        assert shown == len(ids), f"{chapter} asks {len(ids)} questions and shows {shown}"
    assert sorted(asked) == sorted(QUESTIONS)


@pytest.mark.slow
def test_every_live_figure_has_its_still_and_every_picture_of_every_page_an_alternative_text(pages):
    for name, page in pages.items():
        assert all(alt and len(alt) > 30 for alt in page.alts), f"{name} has a picture without words"
    for chapter in CHAPTERS:
        notebook = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)
        last = [cell.source.strip().split("\n")[-1] for cell in notebook.cells if cell.cell_type == "code"]
        made = set(re.findall(r"^(\w+) = live\.\w+\(", "\n".join(c.source for c in notebook.cells), re.M))
        shown = sum(line.startswith("live.") or line in made for line in last)
        text = pages[f"notebooks/{chapter}.html"].text
        stills = re.findall(r'<img class="simviz-still only-light" alt="([^"]{30,})"', text)
        assert len(stills) >= shown >= 1, f"{chapter} shows {shown} live figures and {len(stills)} stills"


def rooms():
    """Every module of the library that says in `__all__` what it offers."""
    names = ["simviz", *(found.name for found in pkgutil.walk_packages(simviz.__path__, "simviz."))]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return [module for module in modules if getattr(module, "__all__", None)]


def thing_at(path):
    """What a dotted path of the reference leads to; a name that a package gives goes before a module of that name."""
    thing, so_far = simviz, "simviz"
    for name in path.split(".")[1:]:
        so_far += f".{name}"
        if not hasattr(thing, name) and inspect.ismodule(thing):
            importlib.import_module(so_far)
        thing = getattr(thing, name, sys.modules.get(so_far))
    return thing


@pytest.mark.slow
def test_every_public_name_is_described_in_the_reference(pages):
    ids = {id for name, page in pages.items() if name.startswith("reference/") for id in page.ids}
    described = {id(thing_at(one)) for one in ids if one.startswith("simviz.")}
    modules = {one.removeprefix("module-") for one in ids if one.startswith("module-")}
    missing = []
    for room in rooms():
        for name in room.__all__:
            thing = getattr(room, name)
            if not (thing.__name__ in modules if inspect.ismodule(thing) else id(thing) in described):
                missing.append(f"{room.__name__}.{name}")
    assert missing == []
    assert len(described) > 250
    short = pages["reference/simviz.html"].text
    assert [name for name in simviz.__all__ if f"simviz.{name}" not in short] == []


@pytest.mark.slow
def test_the_reference_shows_docstrings_as_they_are_meant(pages):
    for name, page in pages.items():
        if name.startswith("reference/"):
            prose = re.sub(r"<pre>.*?</pre>|<code.*?</code>|<math.*?</math>|<dt.*?</dt>", "", page.text, flags=re.S)
            words = re.sub(r"<[^>]+>", " ", prose[prose.index("<article") : prose.index("</article")])
            assert "`" not in words, f"{name} shows a backquote: {words[words.index('`') - 80 :][:160]}"
            assert ":math:" not in words
            assert "\\" not in words, f"{name} shows a backslash"
    assert "<math" in pages["reference/dynamics.html"].text


@pytest.mark.slow
def test_the_command_lines_page_is_the_programs_own_help(pages):
    text = pages["reference/command_line.html"].text
    for command in ("simviz lab", "simviz train classify", "simviz train copy", "simviz spectrum", "simviz doctor"):
        assert f"usage: {command}" in text
    assert "--no-browser" in text
    assert "==SUPPRESS==" not in text


EXAMPLES = [(name, *example) for name, text in sorted(WRITTEN.items()) for example in examples(text)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code", "stated"), EXAMPLES, ids=[f"{e[0]}-{i}" for i, e in enumerate(EXAMPLES)])
def test_the_code_in_the_book_prints_what_stands_below_it(tmp_path, name, code, stated):
    assert stated, f"a block of {name} states no result"
    assert differences(stated, run(code, tmp_path)) == []


def test_code_in_the_book_is_narrow_enough_to_be_read():
    for _, code, _ in EXAMPLES:
        assert max(map(len, code.split("\n"))) <= 88
    assert {name for name, _, _ in EXAMPLES} == {"own.md", "teach/measuring.md", "use.md"}
    own = WRITTEN["own.md"]
    for part in ("system", "data", "basis", "cell", "solver", "observables", "trajectories"):
        assert re.search(rf"^## .*{part}", own, re.M | re.I), f"no example of your own {part}"


def test_every_panel_and_every_command_is_in_the_page_on_their_use():
    text = WRITTEN["use.md"]
    panels = set(re.findall(r"^\| `live\.(\w+)\(", text, re.M))
    assert panels == {name for name in live.__all__ if name.endswith("Panel")} | {"Dashboard"}
    listed = commands(text, "simviz")
    assert {line.split()[1] for line in listed} == {"lab", "train", "spectrum", "doctor"}
    for line in listed:
        known = help_of(line)
        assert [word for word in line.split() if word.startswith("-") and word not in known] == []


def symbols():
    """The rows of the table of symbols: symbol, name in code, meaning, chapter."""
    table = WRITTEN["symbols.md"].split("## Terms")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in row] for row in rows]


def terms():
    listed = re.search(r"```{glossary}\n(.*?)```", WRITTEN["symbols.md"], re.S)[1]
    return [line for line in listed.splitlines() if line and not line.startswith(" ")]


def test_each_symbol_and_each_term_is_listed_once():
    found = [symbol.strip() for row in symbols() for symbol in row[0].split(",")]
    assert [symbol for symbol, count in Counter(found).items() if count > 1] == []
    assert {"x", "z", "z*", "s", "F", "J", "ρ", "v", "K", "P", "λ", "h", "φ", "ψ", "U", "V", "r", "ϑ"} <= set(found)
    assert all(len(row) == 4 and row[3].isdigit() for row in symbols())
    meanings = [row[2] for row in symbols()]
    assert len(set(meanings)) == len(meanings)
    assert [term for term, count in Counter(map(str.lower, terms())).items() if count > 1] == []
    assert terms() == sorted(terms(), key=str.lower)
    assert {"shadow", "receipt", "gauge", "invariant set", "isochron", "DEQ", "SIM"} <= set(terms())


TWO_WAYS = {
    "h, an eigenfunction": r"eigenfunctions? (\$\\?)?(psi|ψ|varphi|φ)|(psi|ψ|φ)[^.|]{0,12} is an eigenfunction",
    "ϑ, the phase": r"phase (\$\\?)?(theta|θ|φ|phi)\b",
    "ρ, the radius": r"spectral radius,? (r|\$r\$|R)\b",
    "r, the rank": r"\brank,? (k|m|d)\b(?!/)",
    "z*, the equilibrium": r"z\^\*(?![^$]*\$)|z_\*|ẑ|z∞",
    "ᵀ, a transpose": r"\^T(?![^$]*\$)|\^\\top|V'|Vᵗ",
    "dL, the loss's gradient": r"∇L|\\nabla L|grad L",
    "a step, not k": r"step k\b|z_k\b|s_k\b",
    "$W_x x$, the input's part": r"\bU x\b|W_h\b|W_u\b",
}
"""What each symbol is for, and how others write the same thing."""


def test_the_pages_write_each_symbol_one_way():
    texts = {**WRITTEN, "the inventory": "\n".join(_said(item) for item in inventory.ITEMS)}
    for name, text in texts.items():
        prose = re.sub(r"```python.*?```", "", text, flags=re.S)
        for what, otherwise in TWO_WAYS.items():
            found = re.search(otherwise, prose)
            assert found is None, f"{name} writes {found[0]!r} for {what}"


def _said(item):
    return " ".join(f"{q.text} {' '.join(o.text + ' ' + o.says for o in q.options)}" for q in (item.a, item.b))


def test_the_lecturers_page_has_every_chapter_prediction_and_still_once():
    text = WRITTEN["teach/lecturer.md"]
    assert re.findall(r"^```{votes} (\S+)", text, re.M) == list(QUESTIONS)
    assert re.findall(r"^## Chapter (\d)", text, re.M) == [str(i) for i in range(10)]
    for part in ("**Goal.**", "**On the board.**", "**Cut first.**"):
        assert text.count(part) == 10
    assert re.findall(r"stills/(\w+)\.png", text) == CHAPTERS


def test_the_list_of_misconceptions_is_the_inventorys():
    rows = re.findall(r"^\| (\d+) \| (.+?) \| \[(\d)\]\(notebooks/(\w+)\.ipynb\)", WRITTEN["claims.md"], re.M)
    assert [(int(n), belief, stem) for n, belief, _, stem in rows] == [
        (item.number, item.belief, item.chapter) for item in inventory.ITEMS
    ]
    assert all(number == stem[1] for _, _, number, stem in rows)


def test_the_numbers_of_performance_are_those_of_the_quality_table():
    table = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    rows = {(row[0], row[1]): row[2:] for row in cells if row[0] in ("mnist5k", "digits")}
    named = {
        "SIM, one tier": "single-tier SIM", "SIM, two tiers": "two-tier SIM", "DEQ": "deep equilibrium model",
        "monotone DEQ": "monotone deep equilibrium model",
        "plain net widened to the SIM's parameters": "plain net widened to the SIM's parameters",
    }  # fmt: skip
    for shown, model in named.items():
        large, small = rows["mnist5k", model], rows["digits", model]
        line = f"| {shown} | {large[1]} ± {large[2]} | {large[3]} | {small[1]} ± {small[2]} |"
        assert line in WRITTEN["claims.md"], line
    for data, other in (("mnist5k", "deep equilibrium model"), ("mnist5k", "plain net widened to the SIM's parameters"),
                        ("digits", "plain net widened to the SIM's parameters")):  # fmt: skip
        difference = rows[data, f"single-tier SIM less {other}"]
        assert f"{difference[1].lstrip('+-')} ± {difference[2]}" in WRITTEN["claims.md"]
    assert f"{rows['digits', 'deep equilibrium model'][0]} parameters" in WRITTEN["claims.md"]


def test_the_front_page_has_the_times_that_the_chapters_say():
    total = [0, 0]
    for chapter in CHAPTERS:
        first = nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells[0].source
        short, full = re.search(r"Short path (\d+) minutes.*?full path (\d+)", first).groups()
        assert re.search(rf"\(notebooks/{chapter}\.ipynb\) \|[^|]+\| {short} \| {full} \|", WRITTEN["index.md"])
        total = [total[0] + int(short), total[1] + int(full)]
    assert abs(total[0] / 60 - 2) < 0.25
    assert abs(total[1] / 60 - 8) < 0.25
    for name in WRITTEN:
        if name not in ("index.md", "teach/inventory.md"):
            assert f"({name})" in WRITTEN["index.md"], f"the front page does not lead to {name}"


def test_the_plans_name_exercises_that_there_are():
    named = {n.zfill(3) for n in re.findall(r"\b(\d[abc])\b", WRITTEN["teach/plans.md"])}
    assert named <= set(EXERCISES)
    assert len(named) >= 15
    assert set(re.findall(r"`(\d\d\.\w+)`", WRITTEN["teach/plans.md"])) <= set(QUESTIONS)


def test_the_books_pages_have_no_exclamation_marks_and_no_stock_praise():
    for name, text in WRITTEN.items():
        prose = re.sub(r"```.*?```|!\[", "", text, flags=re.S)
        assert "!" not in prose, name
        assert not re.search(r"\b(simply|obviously|powerful|seamless|delve)\b", prose), name
