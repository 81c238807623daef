# One task file for people and for CI. `make help` lists the tasks.
# PYTHON=python3.12 chooses the interpreter, ARGS="…" is passed on, VERISCOPE_VENV moves the environment.

PYTHON ?= python3
VERISCOPE_VENV ?= $(CURDIR)/.venv
BIN := $(VERISCOPE_VENV)/bin
ARGS ?=
WORKERS ?= 2
SINGLE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
export VERISCOPE_VENV

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench wheel web web-check clean env-base env-dev env-docs

help:  ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env-base:
	@$(PYTHON) scripts/bootstrap.py

env-dev:
	@$(PYTHON) scripts/bootstrap.py --extras dev,train

env-docs:
	@$(PYTHON) scripts/bootstrap.py --extras docs

demo: env-base  ## Install, then walk the whole path on a simulated study (ARGS go to `veriscope demo`)
	$(BIN)/veriscope demo $(ARGS)

test: lint web-check  ## Install what the tests need, then linters and all tests (ARGS go to pytest)
	@$(BIN)/python -m compileall -q src/veriscope
	$(SINGLE) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 10 $(ARGS)

lint: env-dev  ## Style, format, types, import direction
	@code=0; for tool in "ruff check ." "ruff format --check ." "mypy" "lint-imports --no-logo"; do \
	  echo "== $$tool"; $(BIN)/$$tool || code=1; done; exit $$code

format: env-dev  ## Put the code in the one format, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: env-docs  ## Build the documentation into site/, failing on a broken link
	$(BIN)/python scripts/docs_cli.py --check
	$(BIN)/mkdocs build --strict --quiet

bench: env-dev  ## Run every benchmark in its quick form (seconds); the full runs are in benchmarks/
	@set -e; for script in benchmarks/speed/*.py benchmarks/science/*.py; do \
	  case $$script in */_*|*/__init__.py|*'*'*) continue ;; esac; \
	  echo "== $$script"; $(BIN)/python $$script --quick $(ARGS); done

web: env-base  ## Build the front end, so that `veriscope serve` has its pages (Node 20.19 or newer)
	@PATH="$(BIN):$$PATH" $(BIN)/python scripts/web_assets.py

web-check: env-dev  ## Types, style and unit tests of the front end, and that its types are those of the server
	@PATH="$(BIN):$$PATH" $(BIN)/python scripts/web_assets.py
	@export PATH="$(BIN):$$PATH"; cd web && npm run --silent check && npm run --silent types:check && npm run --silent test && npm run --silent weight

wheel:  ## Build the wheel and try it in an environment of its own with nothing but the base
	$(PYTHON) scripts/check_wheel.py

clean:  ## Remove what was built; the environment stays (remove .venv yourself)
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
