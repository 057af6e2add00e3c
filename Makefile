# One command each; every target makes the environment first if it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LIGHT  := $(VENV)/.light
STAMP  := $(VENV)/.made
CASE   := networks/gi-mesenchymal/cases/gastric_gist.yaml
# An environment that uv made has no pip of its own.
INSTALL := $(if $(shell command -v uv),uv pip install -q -p $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check) -c constraints.txt -e

.PHONY: demo test lint types benchmark docs notebooks app clean

demo: $(LIGHT)            ## diagnose a published case from end to end
	$(BIN)/mesenbayes diagnose $(CASE)

test: $(STAMP)            ## run the tests
	$(BIN)/python -m pytest -q

lint: $(STAMP)            ## style and errors
	$(BIN)/python -m pip install -q -c constraints.txt ruff && $(BIN)/ruff check mesenbayes tests benchmarks

types: $(STAMP)           ## static types
	$(BIN)/python -m pip install -q -c constraints.txt mypy pandas-stubs && $(BIN)/mypy

benchmark: $(STAMP)       ## speed, side by side with pgmpy and pyAgrum
	$(BIN)/python benchmarks/run.py

docs: $(STAMP)            ## the documentation site, into docs/_build/html
	$(INSTALL) '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

notebooks: $(STAMP)       ## run the notebooks and write their outputs
	$(INSTALL) '.[notebooks]'
	$(BIN)/python notebooks/build.py

app: $(STAMP)             ## the teaching app, on this machine only
	$(INSTALL) '.[web]'
	$(BIN)/mesenbayes app

# uv where it is installed, venv and pip otherwise; versions pinned by constraints.txt.
$(LIGHT): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv -q --allow-existing -p $(PYTHON) $(VENV); \
	else \
	  $(PYTHON) -m venv $(VENV); \
	fi
	@$(INSTALL) .
	@touch $(LIGHT)

$(STAMP): $(LIGHT)        ## the tests need more
	@$(INSTALL) '.[test]'
	@touch $(STAMP)

clean:                    ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
