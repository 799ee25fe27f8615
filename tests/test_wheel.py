"""What `pip install simviz` brings: the library and the course, whole, small, and at work in an empty environment."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile

import pytest
from packaging.metadata import Metadata

import simviz

ROOT = pathlib.Path(__file__).parents[1]
TORCH = re.search(r"^torch==.*", (ROOT / "constraints.txt").read_text(), re.M)[0]
MB = 1_000_000
pytestmark = pytest.mark.slow


def build(where: pathlib.Path, out: pathlib.Path, *targets: str) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out), *(f"-t{target}" for target in targets)]
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder with the wheel and the source distribution of this checkout."""
    out = tmp_path_factory.mktemp("dist")
    build(ROOT, out, "sdist", "wheel")
    return out


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


def names(path: pathlib.Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def own() -> set[str]:
    """The files of the library and of the course in this checkout, as a wheel names them."""
    library = [p for p in (ROOT / "simviz").rglob("*") if p.suffix in {".py", ".js", ".css", ".typed"}]
    library = [p.relative_to(ROOT).as_posix() for p in library] + ["simviz/py.typed"]
    course = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "notebooks/stills").glob("*.png")]
    return {*library, *(f"simviz/course/{p.relative_to(ROOT).as_posix()}" for p in course)}


def test_the_wheel_holds_the_library_and_the_course_and_nothing_else_and_is_small(wheel):
    assert {name for name in names(wheel) if ".dist-info/" not in name} == own()
    assert wheel.stat().st_size < 2 * MB
    assert any(name.endswith("licenses/LICENSE") for name in names(wheel))


def test_a_wheel_made_from_the_source_distribution_is_the_same(dist, wheel, tmp_path):
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    build(tmp_path / f"simviz-{simviz.__version__}", tmp_path, "wheel")
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()
    for needed in ("tests/test_wheel.py", "docs/book/build.py", "Makefile", "constraints.txt", "benchmarks/live.py"):
        assert (tmp_path / f"simviz-{simviz.__version__}" / needed).is_file()


def test_the_metadata_are_complete_and_valid(wheel):
    (name,) = (n for n in names(wheel) if n.endswith("/METADATA"))
    about = Metadata.from_email(zipfile.ZipFile(wheel).read(name), validate=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert str(about.version) == simviz.__version__
    assert about.summary == project["description"]
    assert about.license_expression == "MIT"
    assert str(about.requires_python) == ">=3.11"
    assert set(about.project_urls) == {"Repository", "Issues", "Changelog", "Paper"}
    for python in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {python}" in about.classifiers
    assert about.description_content_type == "text/markdown"
    assert {r.name for r in about.requires_dist if r.marker is None} >= {"torch", "jupyterlab", "plotly", "anywidget"}


def test_the_page_of_the_package_links_to_nothing_that_is_not_there(wheel):
    (name,) = (n for n in names(wheel) if n.endswith("/METADATA"))
    page = Metadata.from_email(zipfile.ZipFile(wheel).read(name), validate=True).description
    prose = re.sub(r"```.*?```|`[^`\n]+`", "", page, flags=re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)", prose)
    assert len(targets) > 15
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    here = f"{tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']['urls']['Repository']}/"
    for target in targets:  # an address of this repository leads to a file of this checkout
        if inside := re.match(re.escape(here) + r"(?:raw|blob)/main/(.+?)(?:#.*)?$", target):
            assert (ROOT / inside[1]).exists(), target


class Empty:
    """A fresh environment; `run` calls its programs in a folder outside the checkout and knows nothing else of ours."""

    def __init__(self, home: pathlib.Path):
        self.place, self.work = home / "environment", home / "work"
        self.work.mkdir()
        venv.create(self.place, with_pip=True, symlinks=os.name != "nt")
        self.bin = self.place / ("Scripts" if os.name == "nt" else "bin")

    def run(self, *words, code=0, **env):
        known = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "JUPYTER", "IPYTHON", "VIRTUAL"))}
        known |= {"JUPYTER_CONFIG_DIR": str(self.work / "jupyter"), "IPYTHONDIR": str(self.work / "ipython"), **env}
        known["PATH"] = f"{self.bin}{os.pathsep}{known['PATH']}"
        command = [shutil.which(words[0], path=known["PATH"]), *map(str, words[1:])]
        done = subprocess.run(
            command, cwd=self.work, env=known, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
        assert code is None or done.returncode == code, (
            f"{words} returned {done.returncode}:\n{done.stdout}{done.stderr}"
        )
        return done

    def install(self, *words):
        return self.run("python", "-m", "pip", "--disable-pip-version-check", "install", "-q", *words, code=None)


@pytest.fixture
def empty(wheel, tmp_path):
    """An environment with the wheel and what it asks for, in the versions of constraints.txt; removed at the end."""
    made = Empty(tmp_path)
    if made.install("--no-deps", "--no-index", TORCH).returncode and os.environ.get("TORCH_INDEX"):
        made.install("--no-deps", "--index-url", os.environ["TORCH_INDEX"], TORCH)
    done = made.install("--no-compile", "-c", ROOT / "constraints.txt", wheel)
    assert done.returncode == 0, done.stderr
    yield made
    shutil.rmtree(made.place)


def test_the_wheel_works_in_an_empty_environment_and_says_what_is_missing(empty, dist):
    it_brings_all_that_it_needs(empty)
    binders_post_build_leaves_it_warm(empty, dist)
    without_torch_each_command_says_what_to_do(empty)


def it_brings_all_that_it_needs(empty):
    assert empty.run("simviz", "--version").stdout == f"simviz {simviz.__version__}\n"
    empty.run("python", "-m", "pip", "check")
    where = empty.run("python", "-c", "import simviz; print(simviz.__file__)").stdout
    assert pathlib.Path(where.strip()).is_relative_to(empty.place)
    told = empty.run("simviz", "doctor", code=None).stdout
    assert [
        line for line in told.splitlines() if "MISSING" in line and not line.startswith(("browser", "Something"))
    ] == []

    script = "from simviz.course.material import lay_out; print(lay_out('course', 'short'))"
    assert "files written" in empty.run("python", "-c", script).stdout
    empty.run("jupyter", "execute", "--inplace", "course/00_welcome.ipynb", SIMVIZ_FAST="1")
    ran = json.loads((empty.work / "course/00_welcome.ipynb").read_text())
    outputs = [output for cell in ran["cells"] for output in cell.get("outputs", [])]
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    assert [output for output in outputs if output["output_type"] == "error"] == []


def binders_post_build_leaves_it_warm(empty, dist):
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(empty.work, filter="data")
    done = empty.install("-c", ROOT / "constraints.txt", "hatchling", "hatch-fancy-pypi-readme")
    assert done.returncode == 0, done.stderr
    repository = empty.work / f"simviz-{simviz.__version__}"
    env = {"XDG_CACHE_HOME": str(empty.work / "cache"), "MPLCONFIGDIR": str(empty.work / "fonts")}
    told = empty.run("bash", "-c", f"cd {repository} && binder/postBuild", **env).stdout
    assert told.splitlines()[-1].startswith(f"simviz {simviz.__version__} with torch ")
    kept = {path.name for path in (empty.work / "cache/simviz").iterdir()}
    assert kept == {"digits.npz", "mnist5k.npz", "photograph-china.npz", "photograph-flower.npz"}
    assert list((empty.work / "fonts").glob("fontlist*"))
    settings = (empty.place / "etc/jupyter/labconfig/page_config.json").read_text()
    assert json.loads(settings)["disabledExtensions"]["@jupyterlab/apputils-extension:announcements"] is True


def without_torch_each_command_says_what_to_do(empty):
    empty.run("python", "-m", "pip", "uninstall", "-y", "-q", "torch")
    for words in (("lab", "elsewhere", "--no-browser"), ("train", "classify", "--steps", "1")):
        done = empty.run("simviz", *words, code=2)
        assert "torch" in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (empty.work / "elsewhere").exists()
    told = empty.run("simviz", "doctor", code=1).stdout
    assert re.search(r"^torch +MISSING \(computes everything\): python -m pip install torch$", told, re.M)
