# make demo   set everything up and train a Connect Four agent for about five minutes
# make test   set everything up and run the formatter, the linter, the type checker and the tests
# make test-slow   run what takes minutes: long trainings, statistics with many repeats
#
# Everything lands in .venv; PYTHON=... picks another interpreter than the first one that is 3.11+.

VENV := .venv
SOURCES := selfplay envs tests docs
BIN := $(VENV)/bin
KERNELS := $(wildcard tests/kernels.py tests/*/kernels.py)
COMPILED := $(KERNELS:%=$(VENV)/%.compiled)
STAMP := $(VENV)/.set-up
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: setup demo test test-slow reference lint format tensorboard clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "selfplay needs Python 3.11 or newer: install it, or name it with" \
		"'make PYTHON=/path/to/python3.11'" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing into $(VENV) (a few minutes the first time)"
	@$(PIP) install --quiet -e '.[dev,solver,classic,compare,web]' -c constraints.txt
	@touch $@

demo: setup
	$(BIN)/selfplay train configs/demo.toml --out runs/demo
	@echo "(selfplay is $(BIN)/selfplay; 'source $(BIN)/activate' puts it on the path)"

# the agent that ships: an hour of training, then all that only training needs is taken away
reference: setup
	$(BIN)/selfplay train configs/connect4.toml --out runs/reference/connect4
	$(BIN)/python -m selfplay.training.release runs/reference/connect4
	$(BIN)/python docs/make_figures.py

# a worker on each core, so one thread in each; the tests of a file share what it trains; hundreds of
# processes import the package, which takes each 0.2 s more where its bytecode is not kept
test: setup
	@$(MAKE) --no-print-directory --jobs 3 lint $(COMPILED)
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

# compiled here once, or every worker would do it (a minute on a new machine); tests say what fails
$(VENV)/%.compiled: % $(STAMP) $(shell grep -rl --include='*.py' '@.*kernel' selfplay envs)
	-@OMP_NUM_THREADS=1 PYTHONPATH=tests:. $(BIN)/python $< && mkdir -p $(@D) && touch $@

test-slow: setup
	$(BIN)/python -m pytest -m slow

lint: setup
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: setup
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

tensorboard: setup
	$(BIN)/tensorboard --logdir runs

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
