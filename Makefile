PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= configs/esc10.yaml

.PHONY: run test lint bench load train reproduce clips clean

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

test: $(VENV)/.installed-dev lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m pipelines.bench

# Twenty browser-like sessions for two minutes on a server of its own; exit code 1 over the goals.
load: $(VENV)/.installed
	$(BIN)/python -m tools.load

# The shipped model from the data: needs ESC-10 and ESC-50 in the folders L2I_ESC10 and L2I_ESC50.
train: $(VENV)/.installed
	$(BIN)/python -m pipelines.train_classifier --config $(CONFIG)
	$(BIN)/python -m pipelines.learn_dictionary --config $(CONFIG)
	$(BIN)/python -m pipelines.train_interpreter --config $(CONFIG)
	$(BIN)/python -m pipelines.train_baselines --config $(CONFIG)
	$(BIN)/python -m pipelines.evaluate --config $(CONFIG)

# Every system on every fold of both data sets, resumable; then docs/results.md.
reproduce: $(VENV)/.installed
	$(BIN)/python -m pipelines.reproduce

clips: $(VENV)/.installed
	$(BIN)/python -m pipelines.make_clips

$(VENV)/.installed: requirements.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
