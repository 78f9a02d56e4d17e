# Ordergraph's commands. They need Python 3.11+ and make, nothing else; `make clients` alone needs Node.js besides.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=/path/to/python run` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Workers for the tests. Two cores are what CI has.
JOBS ?= 2
UV ?= uv
CLIENTS := tests/clients

.DEFAULT_GOAL := help
.PHONY: help run test check schema promise clients fuzz bench growth chaos hostile lock setup clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/.runtime ## Start everything: database, demo data, API with GraphiQL, worker
	@exec $(BIN)/ordergraph serve --with-demo --with-worker

test: $(VENV)/.dev ## Run the whole test suite
	@$(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

check: $(VENV)/.dev ## Lint, types, imports, schema snapshot and promise
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/ordergraph schema | diff -u schema/schema.graphql - \
		|| { echo "schema/schema.graphql is out of date: run 'make schema' and commit it"; exit 1; }
	@$(BIN)/python -m tests.promise

schema: $(VENV)/.runtime ## Write schema/schema.graphql anew
	@$(BIN)/ordergraph schema > schema/.schema.graphql.new \
		&& mv schema/.schema.graphql.new schema/schema.graphql \
		|| { rm -f schema/.schema.graphql.new; exit 1; }

promise: ## Promise clients the schema as it is now: with each release
	@cp schema/schema.graphql schema/promised.graphql

clients: $(VENV)/.dev $(CLIENTS)/node_modules/.done $(CLIENTS)/.venv/.done ## Run what others wrote against it (needs Node.js 20+ and npm)
	@$(BIN)/python -m tests.clients $(ARGS)

fuzz: $(VENV)/.dev ## Ask 100,000 random documents of both executors (ARGS="1000 --seed 7")
	@$(BIN)/python -m tests.fuzz $(ARGS)

bench: $(VENV)/.dev ## Measure what we promise
	@$(BIN)/python -m benchmarks $(ARGS)

growth: $(VENV)/.dev ## Ask everything in a shop of a million orders
	@$(BIN)/python -m benchmarks.growth $(ARGS)

chaos: $(VENV)/.dev ## Kill everything at random while orders flow (ARGS="300 --seed 7")
	@$(BIN)/python -m tests.chaos $(ARGS)

hostile: $(VENV)/.dev ## Show how long documents made to hurt hold the server
	@$(BIN)/python -m benchmarks.hostile

lock: ## Pin requirements.in and pyproject.toml's groups anew (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	$(UV) pip compile $(LOCK_OPTIONS) requirements.in --group build -o requirements.lock
	$(UV) pip compile $(LOCK_OPTIONS) --group dev -c requirements.lock -o requirements-dev.lock
	$(UV) pip compile $(LOCK_OPTIONS) --group clients -o $(CLIENTS)/requirements.lock

# Versions and hashes only: where they are downloaded from is the installer's business.
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

setup: $(VENV)/.dev ## Make the virtual environment with all tools

clean: ## Remove what the commands above made in this folder (not your data)
	rm -rf $(VENV) $(CLIENTS)/.venv $(CLIENTS)/node_modules $(CLIENTS)/made .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Ordergraph needs Python 3.11 or newer; none was found."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11."; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Could not make a virtual environment (on Debian and Ubuntu: apt install python3-venv)."; exit 1; }

$(VENV)/.runtime: requirements.lock requirements.in pyproject.toml | $(VENV)/bin/python
	@echo "Installing what requirements.lock pins"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--config-settings editable_mode=compat --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what requirements-dev.lock pins"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(CLIENTS)/node_modules/.done: $(CLIENTS)/package-lock.json $(CLIENTS)/package.json
	@command -v npm >/dev/null || { echo "make clients needs Node.js 20 or newer, with npm"; exit 1; }
	@echo "Installing what $(CLIENTS)/package-lock.json pins"
	@cd $(CLIENTS) && npm ci
	@touch $@

$(CLIENTS)/.venv/.done: $(CLIENTS)/requirements.lock | $(VENV)/bin/python
	@echo "Installing what $(CLIENTS)/requirements.lock pins"
	@$(BIN)/python -m venv $(CLIENTS)/.venv
	@$(CLIENTS)/.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r $(CLIENTS)/requirements.lock
	@touch $@
