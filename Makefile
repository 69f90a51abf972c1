# tpuflow: every command sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
.DEFAULT_GOAL := help
export DAGSTER_DISABLE_TELEMETRY := 1

.PHONY: help setup demo test check ui clean

help:  ## Show the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY)  ## Install the pinned packages and tpuflow into .venv
	@:

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 >= 3.11 with venv is needed (Debian: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet -r requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## Two models for five targets through every stage, and a table of their figures
	@$(BIN)/tpuflow demo

test: $(READY)  ## The whole test suite
	@$(BIN)/python -m pytest -n 2

check: $(READY)  ## Lint, format, types and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

ui: $(READY)  ## The Dagster UI on http://127.0.0.1:3000, reloaded when the sources change
	@$(BIN)/tpuflow ui

clean:  ## Remove artifacts and the local Dagster instance, keep .venv and downloads
	rm -rf build .dagster
