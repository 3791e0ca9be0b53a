# Everything from a bare Debian machine with Python 3.11: `make run`, `make demo`, `make test`. `make` alone lists all.

VENV := .venv
BIN := $(VENV)/bin
# A second environment holds the compiled build, so that the first always runs the sources as they are.
COMPILED := .venv-compiled
INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
PIP := $(BIN)/python $(INSTALL) --require-hashes
# Debian's own interpreter first: it is built with profile-guided optimisation, which is worth a tenth of the speed.
PYTHON ?= $(shell for name in /usr/bin/python3 python3.11 python3.12 python3.13 python3.14 python3; do \
	if $$name -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$name; exit; fi; done; \
	for name in /usr/bin/python3 python3.11 python3; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; exit; fi; done)
# Arguments for pytest or the bench: make test ARGS="-k retry"
ARGS ?=
SEEDS ?= 10000
# What the compiled build is tested with: all but the simulator, whose lies change the code, and what looks at the sources.
COMPILED_TESTS := $(addprefix tests/,acceptance api capabilities cli conformance transport unit worker)
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help run demo test lint format simulate chaos wheel compiled bench docs lock clean

help: ## List what can be made
	@sed -nE 's/^([a-z]+):.* ## (.*)/  make \1\t\2/p' Makefile | expand -t 18

run: $(VENV)/run.installed ## Install what is needed and start the server
	@exec $(BIN)/reelhook serve

demo: $(VENV)/demo.installed ## Show it all in a minute
	@exec $(BIN)/reelhook demo $(ARGS)

test: $(VENV)/test.installed ## Run all tests
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile $(ARGS)

lint: $(VENV)/test.installed ## Check style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/test.installed ## Bring the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

simulate: $(VENV)/test.installed ## Run the simulator over many seeds (SEEDS=10000)
	SEEDS=$(SEEDS) $(BIN)/python -m pytest tests/simulation $(ARGS)

chaos: $(VENV)/test.installed ## Kill, freeze and cut off nodes, crash PostgreSQL (SECONDS=300 CHAOS_SEED=1,2,3)
	CHAOS_SECONDS=$(or $(SECONDS),300) $(BIN)/python -m pytest -s tests/acceptance/test_chaos.py $(ARGS)

wheel: $(VENV)/wheel.built ## Build the wheel for production in dist, its hot path compiled (needs a C compiler)

compiled: $(COMPILED)/wheel.installed ## Run all tests that can be on the compiled build
	$(COMPILED)/bin/python -m pytest --numprocesses 4 --dist loadfile -m "not interpreted" $(or $(ARGS),$(COMPILED_TESTS))

bench: $(COMPILED)/wheel.installed ## Measure the compiled build: make bench ARGS="deliver" (accept, latency, backlog, ...)
	$(COMPILED)/bin/python -m bench $(or $(ARGS),deliver)

docs: $(VENV)/run.installed ## Write the parts of the documentation that come from the code
	$(BIN)/python docs/build.py

lock: ## Pin the newest versions that fit (needs uv)
	$(LOCK) pyproject.toml --extra test -o requirements/test.txt --upgrade
	$(LOCK) pyproject.toml -c requirements/test.txt -o requirements/run.txt
	$(LOCK) pyproject.toml --extra demo -c requirements/test.txt -o requirements/demo.txt
	$(LOCK) requirements/build.in -c requirements/test.txt -o requirements/build.txt
	$(LOCK) requirements/compile.in -c requirements/test.txt -c requirements/build.txt -o requirements/compile.txt

clean: ## Remove the environment and everything that was made; databases stay
	rm -rf $(VENV) $(COMPILED) build dist .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp says that an environment holds what its file pins; a change of the file installs anew.

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Reelhook needs Python 3.11 or newer: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making an environment with $(PYTHON) in $(VENV)."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the server needs."
	@$(PIP) -r requirements/run.txt
	@$(PIP) -r requirements/build.txt
	@$(BIN)/python $(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/demo.installed: requirements/demo.txt $(VENV)/run.installed
	@echo "Installing what the demo needs to make a video."
	@$(PIP) -r requirements/demo.txt
	@touch $@

$(VENV)/test.installed: requirements/test.txt $(VENV)/run.installed
	@echo "Installing what the tests need."
	@$(PIP) -r requirements/test.txt
	@touch $@

$(VENV)/compile.installed: requirements/compile.txt $(VENV)/run.installed
	@printf '#include <Python.h>\n' | $(or $(CC),cc) -fsyntax-only -x c - \
		-I "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" || \
		{ echo "The compiled build needs a C compiler and Python's headers: apt-get install gcc python3-dev" >&2; exit 1; }
	@$(PIP) -r requirements/compile.txt
	@touch $@

$(VENV)/wheel.built: $(shell find src -type f -not -name '*.pyc') hatch_build.py $(VENV)/compile.installed
	@echo "Compiling the hot path; this takes a minute."
	@rm -rf dist
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl
	@touch $@

# Reelhook itself is the wheel; everything else comes from the first environment.
$(COMPILED)/wheel.installed: $(VENV)/wheel.built $(VENV)/test.installed
	@$(BIN)/python -m venv --clear --without-pip $(COMPILED)
	@library='import sysconfig; print(sysconfig.get_path("purelib"))'; \
		$(BIN)/python -c "$$library" > "$$($(COMPILED)/bin/python -c "$$library")/first.pth"
	@$(BIN)/python -m pip --python $(COMPILED)/bin/python install --quiet --disable-pip-version-check --no-input --no-index \
		--no-deps dist/*.whl
	@touch $@
