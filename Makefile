VENV ?= .venv
BIN := $(VENV)/bin
# uv installs in seconds, pip in minutes; pip installs uv. Without uv: make setup INSTALLER=pip
INSTALLER ?= uv
# The first supported Python that has pip; to choose another one: make demo PYTHON=/path/to/python3.12
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p -c 'import pip; $(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
endif
ELSE := choose another one: make demo PYTHON=/path/to/python3
.DEFAULT_GOAL := setup
export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = true
# Many container images forbid Python to write byte code. Every start would then compile all imports, which takes longer
# than most commands and tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test test-all coverage golden golden-accept lint bench serve lock check-lock clean same-python

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo "error: no Python 3.11 to 3.14 with pip on PATH (python3 is: $$(python3 --version 2>&1)); install one (Debian and Ubuntu: apt install python3 python3-pip), or $(ELSE)" >&2; exit 1; }
	@command -v '$(PYTHON)' >/dev/null || { echo "error: PYTHON=$(PYTHON) does not exist; $(ELSE)" >&2; exit 1; }
	@'$(PYTHON)' -c '$(SUPPORTED)' || { echo "error: PYTHON=$(PYTHON) is $$('$(PYTHON)' --version 2>&1), Chehang needs Python 3.11 to 3.14; $(ELSE)" >&2; exit 1; }
	@'$(PYTHON)' -m pip --version >/dev/null 2>&1 || { echo "error: $$('$(PYTHON)' --version 2>&1) ($(PYTHON)) has no pip; install it (Debian and Ubuntu: apt install python3-pip), or $(ELSE)" >&2; exit 1; }
	@'$(PYTHON)' -m venv --without-pip $(VENV)

# uv uses the package index of the pip configuration.
INDEX = index="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$('$(PYTHON)' -m pip config get global.index-url 2>/dev/null)}}"; if test -n "$$index"; then export UV_DEFAULT_INDEX="$$index"; fi

# $(call install,LOCK): install the packages of a lock file with checked hashes, then the product.
define install
	@case '$(INSTALLER)' in \
	uv) \
		$(BIN)/uv --version >/dev/null 2>&1 || '$(PYTHON)' -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock || exit 1; \
		$(INDEX); \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable . ;; \
	pip) \
		set -- '$(PYTHON)' -m pip --python $(BIN)/python install --quiet --disable-pip-version-check; \
		"$$@" --no-compile --require-hashes -r $(1) && "$$@" --no-deps --editable . ;; \
	*) echo "error: INSTALLER=$(INSTALLER) is neither uv nor pip" >&2; exit 1 ;; \
	esac
	@touch $@
endef

# A PYTHON on the command line must be the Python of an existing environment.
same-python: | $(BIN)/python
	@if test '$(origin PYTHON)' = 'command line' && test "$$('$(PYTHON)' --version 2>&1)" != "$$($(BIN)/python --version)"; then \
		echo "error: $(VENV) has $$($(BIN)/python --version), PYTHON=$(PYTHON) is $$('$(PYTHON)' --version 2>&1); remove that folder, or choose another one: VENV=.venv-other" >&2; exit 1; \
	fi

# Packages that run the product, without Spark and test tools. pip does not compile byte code: most of it is never used.
$(VENV)/.run: requirements.lock requirements-uv.lock pyproject.toml | same-python
	$(call install,requirements.lock)

# All packages: the product, Spark, tests and linters.
$(VENV)/.dev: requirements-dev.lock requirements-uv.lock pyproject.toml | same-python
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.run

setup: $(VENV)/.dev

# make demo OPEN=1 leaves the server running and opens the desk in the browser.
demo: $(VENV)/.run
	$(BIN)/python demo.py

# Quick tests: need only Python and pip.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

# All tests: also Spark (Java 17 or 21), Chromium, wrk, public data, notebooks, killed and concurrent processes. A test
# whose requirement is missing is skipped with a reason; with CI=true it fails.
test-all: test
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m slow

# All tests with a list of the lines that no test reaches; a quarter slower.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term-missing:skip-covered

# Compare figures, keys, routes and texts with the golden files: two minutes on one core.
golden: $(VENV)/.dev
	$(BIN)/python -m tests.golden

# Rewrite the golden files; read the changes with git diff.
golden-accept: $(VENV)/.dev
	$(BIN)/python -m tests.golden --accept

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.threads
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.offers
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.loan_requests
	$(BIN)/python -m benchmarks.recommendation
	$(BIN)/python -m benchmarks.recommendation --training
	$(BIN)/python -m benchmarks.lead_scoring
	$(BIN)/python -m benchmarks.demand
	$(BIN)/python -m benchmarks.fault_rate
	$(BIN)/python -m benchmarks.fault_alarms
	$(BIN)/python -m benchmarks.weekly_alarms
	$(BIN)/python -m benchmarks.desk

# Serves the demo's dealership if there is one; CHEHANG_HOME names another.
serve: $(VENV)/.run
	@if test -z "$$CHEHANG_HOME" && test -f var/demo/desk.env; then set -a; . ./var/demo/desk.env; set +a; fi; exec $(BIN)/chehang serve

# Lock files for all supported Python versions and platforms: name==version with hashes, no index addresses. They keep
# extras: without them, pip would look for a newer version of a requirement with an extra and refuse it without a hash.
RESOLVE = $(INDEX); $(BIN)/uv pip compile --universal --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock: $(VENV)/.dev
	$(RESOLVE) pyproject.toml --extra serve --extra train --extra telemetry -o requirements.lock
	$(RESOLVE) pyproject.toml --all-extras --constraint requirements.lock -o requirements-dev.lock
	$(RESOLVE) requirements-uv.in --python-version 3.11 -o requirements-uv.lock

# Check that every locked package has a wheel for every supported Python; pyspark has none and is always built.
check-lock: $(VENV)/.dev
	@$(INDEX); for version in 3.11 3.12 3.13 3.14; do \
		$(BIN)/uv pip install --quiet --dry-run --require-hashes --python-version $$version --target $(VENV)/none --only-binary :all: --no-binary pyspark -r requirements-dev.lock || exit 1; \
		echo "requirements-dev.lock resolves for Python $$version"; \
	done

clean:
	rm -rf $(VENV) var
