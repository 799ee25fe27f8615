# simviz. `make` lists what there is; CONTRIBUTING.md says when to use which.
#
#   PYTHON=python3.12      make the environment with this Python (otherwise the newest found that is 3.11 or newer)
#   VENV=.venv             where the environment lies
#   TORCH_INDEX=<address>  fetch torch from this package index, such as PyTorch's own for CPU builds
#   LAB_FLAGS=...          further options of JupyterLab, such as --no-browser

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.simviz-env
TORCH = $(shell sed -n 's/^torch==/&/p' constraints.txt)

# A process a core, up to four, each with one thread of PyTorch's.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal

# The newest Python that can make an environment; failing that, the newest that is new enough, so that the message fits.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for modules in 'import ensurepip, venv;' ''; do \
	for p in python3.13 python3.12 python3.11 python3 python; do \
	"$$p" -c "$$modules $(NEW_ENOUGH)" >/dev/null 2>&1 && { echo "$$p"; exit; }; done; done)

.DEFAULT_GOAL := help
.PHONY: help env lab test quick lint book prove benchmark browser clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*  ## /\1|/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

env: $(STAMP)  ## build the environment in .venv, with the versions of constraints.txt

lab: env  ## open JupyterLab on notebooks/00_welcome.ipynb
	$(BIN)/python -m jupyterlab --ServerApp.ip=127.0.0.1 --LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_FLAGS)

test: env lint browser  ## everything CI runs: lint, types, import rules, tests, notebooks, browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not browser" $(PARALLEL)
	$(BIN)/python -m pytest -m browser

quick: env lint  ## the inner loop, under 3 minutes: as `test`, without slow and browser tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not browser" $(PARALLEL)

lint: env  ## lint and format of code and notebooks, types, import rules
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/codespell
	$(BIN)/lint-imports --no-logo

book: env  ## the chapters as pages with stills, in build/book/html; they open from disk without a network
	$(BIN)/python docs/book/build.py

prove: env  ## long campaigns, an hour or two: a hundred kills of a training run, 20,000 acts of a reader, the quality table
	SIMVIZ_KILLS=100 $(BIN)/python -m pytest tests/learning/test_kill.py
	SIMVIZ_ACTS=2000 $(BIN)/python -m pytest tests/live/test_random_acts.py
	SIMVIZ_CLICKS=300 $(BIN)/python -m pytest tests/browser/test_panels.py -k random
	$(BIN)/python benchmarks/quality.py

benchmark: env  ## times beside the named peers, which it installs: torchdeq and PyDMD; live figures; Binder
	$(PIP) install --quiet -c constraints.txt -e ".[benchmarks]"
	@for script in anderson binder classifiers edmd gradients jacobian live; do \
		echo; echo "$$script"; $(BIN)/python benchmarks/$$script.py || exit; done

clean:  ## remove the environment, caches and build results
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

browser: env
	@$(BIN)/python -m tests.browser.chromium

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "simviz needs Python 3.11 or newer, and none was found; if it has another name, say make PYTHON=/path/to/python"; exit 1; }
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { echo "simviz needs Python 3.11 or newer; $(PYTHON) is not"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make environments: its modules venv and ensurepip are missing (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@$(PIP) --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@$(PIP) install --quiet --no-deps --no-index "$(TORCH)" 2>/dev/null || { \
		if [ -n "$(TORCH_INDEX)" ]; then \
			echo "Fetching $(TORCH) from $(TORCH_INDEX)"; \
			$(PIP) install --no-deps --index-url "$(TORCH_INDEX)" "$(TORCH)"; \
		elif [ "$$(uname -s)" = Linux ]; then \
			echo "Fetching $(TORCH): on Linux the ordinary build brings CUDA, some 3 GB; for the CPU build (200 MB) stop now and say make TORCH_INDEX=<PyTorch's index of CPU builds, see \"Get started\" on its site>"; \
		else \
			echo "Fetching $(TORCH), some 100 MB"; \
		fi; }
	@echo "Fetching the other packages of constraints.txt where they are not there yet, some 150 MB"
	$(PIP) install --progress-bar off -c constraints.txt -e ".[dev]"
	@touch $@
