"""The book: every chapter is a page with its figures as pictures in words, and nothing comes from a network."""

import html.parser
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself."""


class Page(html.parser.HTMLParser):
    """What a page loads, links to and calls by an id, and the alternative texts of its pictures."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.path, self.loaded, self.links, self.ids, self.alts = path, [], [], set(), []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
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
