# make run    sets everything up and codes data/samples/jobs.csv
# make serve  sets everything up and runs the service on http://127.0.0.1:8008
# make test   sets everything up and runs the tests
# make load   measures the service under load, on this machine only
# Set-up is done once; it is done again when pyproject.toml changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A machine without an NVIDIA driver gets the CPU build of torch; set TORCH_INDEX to choose another index.
TORCH  := torch==2.13.0
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu)

.PHONY: run serve load fuzz test test-train lint train eval guard bench bench-index bench-learning bench-holding bench-reach clean

run: $(VENV)/.base
	@mkdir -p output
	@$(BIN)/isco-rag code data/samples/jobs.csv -o output/jobs_coded.csv --force --preview 100

serve: $(VENV)/.base
	@$(BIN)/isco-rag serve

load: $(VENV)/.dev
	$(BIN)/python -m tests.load $(LOAD)

# Hostile requests at length, against the OpenAPI document; FUZZ="--seeds 1 --examples 10" makes it short.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz $(FUZZ)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -rs --ignore=tests/train --ignore=isco_rag/train --ignore=isco_rag/torch_models.py --ignore=isco_rag/learn/budget.py --ignore=isco_rag/learn/retrain.py

test-train: $(VENV)/.train $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/train isco_rag/train isco_rag/torch_models.py isco_rag/learn/budget.py isco_rag/learn/retrain.py

lint: $(VENV)/.train $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

train: $(VENV)/.train
	$(BIN)/isco-rag train isco_rag/train/recipe.toml --work build/new --bundle data/bundle

eval: $(VENV)/.eval
	$(BIN)/isco-rag eval run written
	$(BIN)/isco-rag eval report -o output/evaluation.html

# The shipped bundle against what it reached when it was shipped (eval/baselines).
guard: $(VENV)/.base
	$(BIN)/isco-rag eval guard

# BENCH="--limit 200 --shipped-only" makes it short.
# LEARNING="--append-only --limit 1000" makes it short; a run that was cut off goes on.
bench-learning: $(VENV)/.train $(VENV)/.eval
	$(BIN)/python -m isco_eval.learning $(LEARNING)

# What the holding rules hold, of honest and of planted corrections; some minutes.
bench-holding: $(VENV)/.eval
	$(BIN)/python -m isco_eval.holding $(HOLDING)

# How far a correction reaches, and what that takes from other titles; some minutes.
bench-reach: $(VENV)/.eval
	$(BIN)/python -m isco_eval.reach

bench: $(VENV)/.bench
	$(BIN)/python -m isco_eval.bench $(BENCH)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $(VENV)/.base $@

$(VENV)/.eval: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e '.[eval]'
	@touch $(VENV)/.base $@

# The CPU index is tried once and shortly: behind a firewall the ordinary index has the last word.
$(VENV)/.train: pyproject.toml | $(VENV)/bin/python
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install -q --retries 0 --timeout 20 --index-url $(TORCH_INDEX) $(TORCH) || )$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pip install -q -e '.[train]'
	@touch $(VENV)/.base $@

$(VENV)/.bench: pyproject.toml $(VENV)/.train
	$(BIN)/python -m pip install -q -e '.[bench]'
	@touch $@
# Build, memory, search and recall of the index's layouts; an hour of one core, most of it for the largest sizes.
bench-index: $(VENV)/.base
	$(BIN)/python -m isco_index.bench data/bundle data/gold/written.csv

clean:
	rm -rf $(VENV) output build .mypy_cache .ruff_cache .pytest_cache
