"""The files for GitHub and pre-commit: valid by their schemas, calling what exists, of one version and one address."""

import pathlib
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

import simviz

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FORMS = ROOT / ".github/ISSUE_TEMPLATE"
SCHEMAS = {
    ".github/workflows/test.yml": "vendor.github-workflows",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    "CITATION.cff": "vendor.citation-file-format",
    **{f.relative_to(ROOT).as_posix(): "vendor.github-issue-forms" for f in FORMS.glob("*.yml") if f.stem != "config"},
}


def read(name: str):
    return yaml.safe_load((ROOT / name).read_text())


def invalid(path: pathlib.Path, schema: str) -> str:
    """What a public schema has against a file; nothing where it is valid."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_file_is_valid_by_its_public_schema(name, schema):
    assert invalid(ROOT / name, schema) == ""


def test_a_mistake_would_be_seen(tmp_path):
    workflow = read(".github/workflows/test.yml")
    workflow["jobs"]["test"]["step"] = workflow["jobs"]["test"].pop("steps")
    (tmp_path / "test.yml").write_text(yaml.safe_dump(workflow))
    assert "step" in invalid(tmp_path / "test.yml", "vendor.github-workflows")


def test_the_workflow_runs_make_test_on_every_python_that_the_package_names():
    job = read(".github/workflows/test.yml")["jobs"]["test"]
    named = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line) for line in PROJECT["classifiers"]]
    assert job["strategy"]["matrix"]["python"] == [found[1] for found in named if found]
    assert [step["run"].split()[:2] for step in job["steps"] if "run" in step] == [["make", "test"]]
    assert job["env"]["SIMVIZ_REQUIRE_BROWSER"] == "1"


def test_pre_commit_accepts_its_hooks_and_they_are_the_checks_of_make():
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(ROOT / ".pre-commit-config.yaml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    config = read(".pre-commit-config.yaml")
    hooks = {hook["entry"]: hook["stages"] for repository in config["repos"] for hook in repository["hooks"]}
    assert hooks == {"make lint": ["pre-commit"], "make quick": ["pre-push"]}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {entry.split()[1] for entry in hooks} <= set(targets)


def test_there_is_one_version():
    assert f"version = {{{simviz.__version__}}}" in (ROOT / "README.md").read_text()
    assert read("CITATION.cff")["version"] == simviz.__version__
    changes = re.findall(r"^## \[([^\]]+)\](?: - (\S+))?$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    released = [one for one in changes if one != ("Unreleased", "")]
    assert len(changes) - len(released) <= 1
    assert released[0] == (simviz.__version__, str(read("CITATION.cff")["date-released"]))


@pytest.mark.parametrize(
    "name", ["README.md", "CITATION.cff", "CHANGELOG.md", "pyproject.toml", ".github/PULL_REQUEST_TEMPLATE.md"]
)
def test_there_is_one_address(name):
    here = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    text = (ROOT / name).read_text()
    found = re.findall(r"github\.com/([\w-]+/[\w-]+)", text) + re.findall(r"mybinder\.org/v2/gh/([\w-]+/[\w-]+)", text)
    assert set(found) <= {here}
