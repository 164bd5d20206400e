# The verbs of the project. Each makes .venv first if it is missing or its lock has changed.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
# Two test workers on two cores otherwise spend half of their time spinning (pipelines/environment.py).
export GOMP_SPINCOUNT := 10000
RECIPES ?= anaglyph*
TARGETS ?= $(if $(filter all,$(RECIPES)),*,*@$(RECIPES))
BASE ?= HEAD
INSTALLED := .venv/.installed

.PHONY: help run test check docs bench ui app retrain clean
help:  ## Say what each verb does
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

run: $(INSTALLED)  ## Train and evaluate recipes on the embedded pictures: the anaglyph ones, or RECIPES=all
	restereo-pipelines check && dvc --wait-for-lock repro --glob '$(TARGETS)' && restereo-pipelines summary $(if $(filter all,$(RECIPES)),,'$(RECIPES)')

test: $(INSTALLED)  ## Run all tests
	pytest -n 2 --dist loadfile

check: $(INSTALLED)  ## Lint, types, floors and lock
	ruff check . && ruff format --check . && mypy && lint-imports

docs: $(INSTALLED)  ## Write the reference of every public name to build/docs; a warning is an error
	python docs/reference.py

bench: $(INSTALLED)  ## Measure speed, overhead and memory against their targets (docs/bench.md)
	python -m tests.bench $(MEASURES)

ui: $(INSTALLED)  ## Start the MLflow and Prefect pages and serve the flow
	restereo-pipelines ui

retrain: $(INSTALLED)  ## Bring in new pictures, run what is stale, compare with the champion; PROMOTE=1 lets it win, STATISTICS=LOG looks for drift
	restereo-pipelines check && restereo-pipelines retrain '$(TARGETS)' --base '$(BASE)' $(if $(PROMOTE),,--dry-run) $(if $(STATISTICS),--statistics '$(STATISTICS)')

app: $(INSTALLED)  ## Open a page in the browser: drop an anaglyph, get its views
	restereo app

clean:  ## Remove the environment and everything generated, but no downloads
	git clean -qfdX -e '!/data/raw/' -e '!/data/archives/' -- data .venv .mypy_cache .ruff_cache .pytest_cache

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make run PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv --upgrade-deps .venv
	pip install --quiet --disable-pip-version-check torch==2.13.0
	pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[pipeline,servers,app,onnx,dev,docs]'
	touch $@
