PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install run test test-all check eval screenshots format clean

install: $(INSTALLED)

# The constraints pin every package, the CPU build of PyTorch among them.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)

run: install
	$(BIN)/dalil serve

# Two processes share the files of tests. WORKERS=0 runs them in one, which shows more when one fails.
WORKERS ?= 2
test: install
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# The slow ones as well: sixty processes killed, minutes of it.
test-all: install
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m "slow or not slow" --timeout=1800

# What CI runs: format, lint, types, the shipped knowledge base, its answers, then the README's test command.
check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/dalil check --knowledge knowledge
	$(BIN)/python -m eval gate
	$(MAKE) test

# Every suite with the baselines beside it: half an hour. See eval/runs for the report.
eval: install
	$(BIN)/python -m eval run

# The pictures of the chat, taken in Chromium on the shipped knowledge base.
screenshots: install
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.ui.screenshots docs/screenshots

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache
