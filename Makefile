PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = true

.PHONY: setup demo test coverage lint bench serve lock clean

# What runs the product: no Spark, no test tools. Python compiles what is imported; of what is installed, most never is.
.venv/.run: requirements.lock pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# Everything: what runs the product, Spark, tests and linters.
.venv/.dev: requirements-dev.lock pyproject.toml
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@ .venv/.run

setup: .venv/.dev

demo: .venv/.run
	$(BIN)/python -m training.demo

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# As `test`, and which lines no test reaches; a quarter slower.
coverage: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.offers
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.recommendation
	$(BIN)/python -m benchmarks.recommendation --training
	$(BIN)/python -m benchmarks.lead_scoring
	$(BIN)/python -m benchmarks.demand
	$(BIN)/python -m benchmarks.fault_rate
	$(BIN)/python -m benchmarks.fault_alarms
	$(BIN)/python -m benchmarks.weekly_alarms

serve: .venv/.run
	$(BIN)/chehang serve

# Needs uv. Plain name==version lines with hashes, no addresses. Extras are kept: without them pip looks for the newest
# version of what is asked for with an extra, and refuses it for want of a hash as soon as there is a newer one.
lock:
	uv pip compile pyproject.toml --no-strip-extras --extra serve --extra train --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements.lock
	uv pip compile pyproject.toml --no-strip-extras --all-extras --constraint requirements.lock --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links -o requirements-dev.lock

clean:
	rm -rf .venv var
