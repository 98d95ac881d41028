# `make report` and `make test` do all set-up themselves; nothing else is needed but Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: report test lint browser clean help

help:
	@echo "make report  install, build the report on the bundled network, and say where the site is"
	@echo "make test    install, lint, type-check and run all tests"
	@echo "make clean   remove the virtual environment and all outputs"

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) --editable ".[dev]"
	@touch $@

# Networks of other projects: where they cannot be had, the tests that put them through every analysis are skipped.
$(VENV)/.installed-zoos: $(VENV)/.installed-dev
	$(INSTALL) --editable ".[zoos]" && touch $@ \
	  || echo "The networks of other projects could not be installed: their tests will be skipped."

report: $(VENV)/.installed
	$(BIN)/reportgen build
	@echo "The report is $(CURDIR)/site/index.html - open it in a browser, or run: $(BIN)/reportgen serve"

# One torch thread per test process: the processes themselves share the cores.
test: $(VENV)/.installed-dev $(VENV)/.installed-zoos browser
	$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

# The browser tests take the system's Chromium; where there is none, Playwright may bring its own.
browser: $(VENV)/.installed-dev
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || $(BIN)/python -m playwright install chromium \
	  || echo "No Chromium could be had: the browser tests will be skipped. Install one and run again."

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist runs
	find site -mindepth 1 ! -name '.*' -delete
