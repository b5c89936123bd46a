# make run    sets everything up and codes data/samples/jobs.csv
# make test   sets everything up and runs the tests
# Set-up is done once; it is done again when pyproject.toml changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A machine without an NVIDIA driver gets the CPU build of torch; set TORCH_INDEX to choose another index.
TORCH  := torch==2.13.0
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu)

.PHONY: run test test-train lint train eval bench-index clean

run: $(VENV)/.base
	@mkdir -p output
	@$(BIN)/isco-rag code data/samples/jobs.csv -o output/jobs_coded.csv --force --preview 100

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q --ignore=tests/train --ignore=isco_rag/train

test-train: $(VENV)/.train $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/train isco_rag/train

lint: $(VENV)/.train $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

train: $(VENV)/.train
	$(BIN)/isco-rag train isco_rag/train/recipe.toml --work build --bundle data/bundle

eval: $(VENV)/.base
	$(BIN)/isco-rag eval data/gold/written.csv

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $(VENV)/.base $@

# The CPU index is tried once and shortly: behind a firewall the ordinary index has the last word.
$(VENV)/.train: pyproject.toml | $(VENV)/bin/python
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install -q --retries 0 --timeout 20 --index-url $(TORCH_INDEX) $(TORCH) || )$(BIN)/python -m pip install -q $(TORCH)
	$(BIN)/python -m pip install -q -e '.[train]'
	@touch $(VENV)/.base $@

# Build, memory, search and recall of the index's layouts; an hour of one core, most of it for the largest sizes.
bench-index: $(VENV)/.base
	$(BIN)/python -m isco_index.bench data/bundle data/gold/written.csv

clean:
	rm -rf $(VENV) output build .mypy_cache .ruff_cache .pytest_cache
