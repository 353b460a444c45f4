# Two commands for a newcomer: `make run` and `make test`. The rest is for developers.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test suites check bench clean

run: $(READY)
	$(BIN)/outrider run rainy_city

test: $(READY)
	$(BIN)/pytest

suites: $(READY)
	$(BIN)/pytest $(addprefix --outrider-suite ,$(wildcard suites/*.yaml)) --outrider-network hydranet-v1 --outrider-repaint

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/outrider bench

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,export]'
	touch $(READY)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
