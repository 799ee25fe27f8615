"""What mybinder.org would build: every run-time dependency is there, and the scripts do what they say."""

import contextlib
import os
import pathlib
import re
import stat
import subprocess
import sys
import tomllib
import urllib.parse

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import CondaBuildPack

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [Requirement(r) for r in PROJECT["dependencies"]]
CONDA_NAMES = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base", "jupyter-core": "jupyter_core"}
README = (ROOT / "README.md").read_text()
ENVIRONMENT = yaml.safe_load((ROOT / "binder/environment.yml").read_text())


def lowest_versions(environment: dict) -> dict[str, Version | None]:
    """The lowest version that an environment admits, by package; None where it says nothing."""
    lowest = {}
    for entry in environment["dependencies"]:
        name, bound = re.fullmatch(r"([\w.-]+)(.*)", entry).groups()
        version = re.match(r"(?:>=|==?)([\d.]+)", bound)
        lowest[name] = Version(version[1]) if version else None
    return lowest


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_dependency_comes_in_a_version_that_the_project_accepts(asked):
    lowest = lowest_versions(ENVIRONMENT)[CONDA_NAMES.get(asked.name, asked.name)]
    assert lowest is not None
    assert asked.specifier.contains(lowest)


def test_a_version_too_old_would_be_seen():
    lowest = lowest_versions({"dependencies": ["plotly>=5.24", "tqdm"]})
    assert not Requirement("plotly>=6.0").specifier.contains(lowest["plotly"])
    assert lowest["tqdm"] is None


def test_pytorch_is_the_cpu_build_from_conda_forge_alone():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert [name for name in lowest_versions(ENVIRONMENT) if "pytorch" in name or "cuda" in name] == ["pytorch-cpu"]


def test_python_is_one_that_the_project_accepts():
    lowest = lowest_versions(ENVIRONMENT)["python"]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(lowest)


@pytest.fixture(scope="module")
def buildpack():
    """What repo2docker would build this repository with, in a checkout."""
    chosen = None
    with contextlib.chdir(ROOT):
        app = Repo2Docker()
        for kind in app.buildpacks:
            chosen = kind(app.base_image)
            chosen.platform = "linux/amd64"
            if chosen.detect():
                return chosen, chosen.render()
    pytest.fail("repo2docker finds nothing that it can build")


def test_repo2docker_builds_with_conda_from_the_environment(buildpack):
    chosen, dockerfile = buildpack
    assert type(chosen) is CondaBuildPack
    assert chosen.python_version == "3.12"
    assert chosen.binder_dir == "binder"
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile


def test_repo2docker_runs_our_scripts_at_their_times(buildpack):
    _, dockerfile = buildpack
    assert "RUN ./binder/postBuild" in dockerfile
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in dockerfile
    assert dockerfile.index("environment.yml") < dockerfile.index("./binder/postBuild")


def test_the_readme_has_a_badge_for_each_chapter_that_opens_it():
    badges = re.findall(r"\(https://mybinder\.org/v2/gh/([\w-]+/[\w-]+)/(\w+)\?urlpath=([^)]+)\)", README)
    assert {place for place, _, _ in badges} == {PROJECT["urls"]["Repository"].removeprefix("https://github.com/")}
    assert {branch for _, branch, _ in badges} == {"main"}
    opened = [urllib.parse.unquote(path).removeprefix("lab/tree/") for _, _, path in badges]
    assert opened[0] == "notebooks/00_welcome.ipynb"
    chapters = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert set(opened) == chapters


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_the_scripts_can_be_executed_and_parsed(script):
    path = ROOT / "binder" / script
    assert path.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", path], check=True)


CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 0


@pytest.mark.skipif(sys.platform != "linux", reason="the containers run Linux")
@pytest.mark.parametrize("old", [False, True], ids=["cgroups 2", "cgroups 1"])
@pytest.mark.parametrize(
    ("quota", "threads"),
    [("100000", 1), ("50000", 1), ("max", CORES), ("9900000", min(CORES, 99)), ("nonsense", CORES), ("0", CORES)],
    ids=["one core", "half a core", "no limit", "more than there is", "no number", "nothing"],
)
def test_the_start_script_gives_torch_the_cores_that_the_container_has(tmp_path, quota, threads, old):
    if old:
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu/cpu.cfs_quota_us").write_text(quota.replace("max", "-1") + "\n")
        (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    else:
        (tmp_path / "cpu.max").write_text(f"{quota} 100000\n")
    assert started(tmp_path) == f"{threads} two words\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the containers run Linux")
def test_the_start_script_starts_where_no_limit_can_be_read(tmp_path):
    assert started(tmp_path / "nowhere") == f"{CORES} two words\n"


def started(groups):
    """What a command sees that the start script runs in a container with these control groups."""
    env = os.environ | {"SIMVIZ_CGROUPS": str(groups), "OMP_NUM_THREADS": "64"}
    command = [ROOT / "binder/start", "bash", "-c", 'echo "$OMP_NUM_THREADS $1"', "_", "two words"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
