"""The examples in the docstrings print what stands below them."""

import doctest
import importlib
import pkgutil

import pytest

import simviz

MODULES = sorted(m.name for m in pkgutil.walk_packages(simviz.__path__, "simviz.") if not m.name.endswith("__main__"))


def examples(name: str) -> list[doctest.DocTest]:
    module = importlib.import_module(name)
    return [found for found in doctest.DocTestFinder().find(module) if found.examples]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_print_what_they_say(name):
    for example in examples(name):
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(example).failed == 0, example.name


def test_there_are_examples():
    assert sum(len(examples(name)) for name in MODULES) > 15
