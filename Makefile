# `make report` and `make test` do all set-up themselves; nothing else is needed but Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JS := tests/js
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt
# pip would compile every file that it installs, most of which are never imported: Python compiles the others, once if it
# may keep the bytecode, as it may in what is run from here even where the environment says otherwise.
export PYTHONDONTWRITEBYTECODE :=
# Tests wait for browsers, encoders and commands: one process more than there are cores keeps these busy.
WORKERS := $(shell expr $$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2) + 1)

# One torch thread per test process: the processes themselves share the cores. Each begins with a part of its own, so that
# what the tests of a file share is made by few of them, and takes over what is left of others' parts.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist worksteal

.PHONY: report test test-slow test-all docs accept lint browser prepared clean help

help:
	@echo "make report  install, build the report on the bundled network, and say where the site is"
	@echo "make test    install, lint, type-check and run the tests (about ten minutes on two cores)"
	@echo "make test-slow  the tests of whole reports and others that take seconds each"
	@echo "make test-all  all tests, with the long versions"
	@echo "make docs    build the documentation in build/docs/site"
	@echo "make test-workers  the tests of workers that die, and of those on a real SLURM"
	@echo "make accept  check an official file of weights: MODEL=i3d WEIGHTS=file CLIPS=folder of labelled clips"
	@echo "make clean   remove the virtual environment and all outputs"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

# Networks of other projects: where they cannot be had, the tests that put them through every analysis are skipped.
$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable ".[dev,zoos]" || { $(INSTALL) --editable ".[dev]" \
	  && echo "The networks of other projects could not be installed: their tests will be skipped."; }
	@touch $(VENV)/.installed $@

$(VENV)/.installed-more-zoos: $(VENV)/.installed-dev
	$(INSTALL) --editable ".[more-zoos]" && touch $@ \
	  || echo "Further networks of other projects could not be installed: their tests will be skipped."

report: $(VENV)/.installed
	$(BIN)/reportgen build
	@echo "The report is $(CURDIR)/site/index.html - open it in a browser, or run: $(BIN)/reportgen serve"

# What comes from one registry does not wait for what comes from another.
prepared: $(VENV)/.installed-dev browser $(JS)/node_modules/.installed

# What the linters say comes at the end. The first time the tests are read once while the linters run, so that not every
# process compiles them and all they import.
test:
	@$(MAKE) --no-print-directory --jobs prepared
	@$(MAKE) --no-print-directory lint > $(VENV)/lint.txt 2>&1 & linters=$$!; \
	[ -e $(VENV)/.compiled ] || { $(BIN)/python -m pytest --collect-only -qq > $(VENV)/.compiled 2>&1; }; \
	$(PYTEST) -n $(WORKERS); tests=$$?; \
	wait $$linters; linted=$$?; cat $(VENV)/lint.txt; [ $$tests = 0 ] && [ $$linted = 0 ]

# What takes seconds each: whole reports rendered, exported and opened once more, whole searches.
test-slow: prepared
	$(PYTEST) -n $(WORKERS) -m "slow and not long"

# The long versions too: every network of the zoo, every published package, every stop.
test-all: $(VENV)/.installed-dev $(VENV)/.installed-more-zoos browser
	$(MAKE) --no-print-directory lint
	$(PYTEST) -n auto -m "" --timeout 1200 -o faulthandler_timeout=1800

# The documentation of the tool, strictly: a link or a name that leads nowhere is an error.
$(VENV)/.installed-docs: $(VENV)/.installed
	$(INSTALL) --editable ".[docs]"
	@touch $@

docs: $(VENV)/.installed-docs
	$(BIN)/python -m tools.docs.build

# Workers: processes that are killed, and jobs of a SLURM that the tests start where it is installed (some minutes).
# The calls of the README take half a minute, too.
test-workers: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "" tests/slurm tests/contract/test_workers.py tests/test_readme.py -k "not fifty"

# An official file of weights and labelled clips: does the network recognise them, and is its report whole?
accept: $(VENV)/.installed
	@[ -n "$(MODEL)" ] && [ -n "$(WEIGHTS)" ] && [ -n "$(CLIPS)" ] \
	  || { echo "make accept MODEL=i3d WEIGHTS=file CLIPS=folder (sub-folders named like classes)"; exit 2; }
	$(BIN)/python tools/accept.py --model "$(MODEL)" --weights "$(WEIGHTS)" --clips "$(CLIPS)" --out "build/accept/$(MODEL)"

# The browser tests take the system's Chromium; where there is none, Playwright may bring its own.
browser: $(VENV)/.installed-dev
	@for name in chromium-headless-shell chromium chromium-browser google-chrome; do \
	  ! command -v $$name >/dev/null || exit 0; done; \
	[ -n "$$CHROMIUM" ] \
	  || $(BIN)/python -m playwright install chromium \
	  || echo "No Chromium could be had: the browser tests will be skipped. Install one and run again."

# The linter of the site's scripts, as its lock file says: where there is no npm, or no registry, they are not linted.
$(JS)/node_modules/.installed: $(JS)/package.json $(JS)/package-lock.json
	@if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'; then \
	  echo "There is no npm of Node 18 or later: the site's scripts are not linted."; \
	elif npm ci --prefix $(JS) --ignore-scripts --no-audit --no-fund --fetch-retries=1 --silent; then touch $@; \
	else echo "The linter of the site's scripts could not be installed: they are not linted."; fi

lint: $(VENV)/.installed-dev $(JS)/node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -e $(JS)/node_modules/.installed ]; then \
	  $(JS)/node_modules/.bin/eslint --config $(JS)/eslint.config.mjs --max-warnings 0 templates/assets/js $(JS); fi

clean:
	[ ! -x $(BIN)/reportgen ] || $(BIN)/reportgen clean --all --yes
	rm -rf $(VENV) $(JS)/node_modules build dist
