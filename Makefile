# Every command of the project. `make help` lists them; each sets up what it needs.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

CATALOG ?=
MAP ?=
NAME ?= change
PY ?=
ARGS ?=

BIN := .venv/bin
PYTHON := $(BIN)/python
BUF := $(BIN)/buf
PYTEST := $(PYTHON) -m pytest
PROTOS = $(shell cd protos && find . -name '*.proto' | sed 's|^\./||' | sort)

export PY
# Processes start by the dozen, in tests above all: what was compiled once is kept, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE
# buf would otherwise write to the home folder.
export BUF_CACHE_DIR := $(CURDIR)/build/buf

# Writes the generated code into folder $(1).
define generate
	$(PYTHON) -m grpc_tools.protoc --proto_path=protos \
	  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
	  --python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

.PHONY: help
help: ## List the commands
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do \
	  printf '  make %-11s %s\n' "$$name" "$$what"; done

.PHONY: setup
setup: ## Build .venv from the lock (again only when it changed); PY=python3.12 chooses the Python
	@bash stack/setup.sh

.PHONY: up
up: setup ## Run everything on this machine until Ctrl-C, and say how to call it
	@exec $(PYTHON) -m stack up

.PHONY: demo
demo: setup ## Run everything, take the tour, stop; CATALOG=file.csv takes your products, MAP='field=column …' and ARGS=… explain them
	@exec $(PYTHON) -m stack demo $(if $(CATALOG),--catalog '$(CATALOG)') $(foreach map,$(MAP),--map '$(map)') $(ARGS)

.PHONY: test
test: setup ## Run all tests; ARGS=… goes to pytest
	@$(PYTEST) -n 2 --dist loadfile $(ARGS)

.PHONY: check
check: setup lint types gen-fresh breaking ## Everything that runs no test: style, types, imports, contract, generated code

.PHONY: quick
quick: setup ## Run the tests that need no server
	@$(PYTEST) -q -n 2 --dist loadfile tests/unit tests/contract $(ARGS)

.PHONY: lint
lint: setup
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo
	@$(BUF) lint
	@$(BUF) format -d --exit-code

.PHONY: types
types: setup
	@$(BIN)/mypy

.PHONY: gen-fresh
gen-fresh: setup
	@rm -rf build/gen && mkdir -p build/gen
	@$(call generate,build/gen)
	@diff -r -q -x py.typed -x __pycache__ build/gen gen || { echo 'gen/ is not what protos/ say: run `make proto`.' >&2; exit 1; }

.PHONY: breaking
breaking: setup ## Compare the contract with that of branch main
	@ref=; for branch in main origin/main; do \
	  if git cat-file -e "$$branch:buf.yaml" 2>/dev/null; then ref=$$branch; break; fi; done; \
	if [ -z "$$ref" ]; then echo 'Breaking changes: not compared, there is no branch main with a contract here.'; \
	else $(BUF) breaking --against "$$(git rev-parse --absolute-git-dir)#format=git,ref=$$(git rev-parse "$$ref")"; fi

.PHONY: e2e
e2e: setup ## Run the tests that start every process
	@$(PYTEST) tests/e2e $(ARGS)

.PHONY: chaos
chaos: setup ## Run the disasters and the storm: everything killed under 20,000 webhooks; then count what was lost; writes build/chaos.json
	@STORM_WEBHOOKS=$${STORM_WEBHOOKS:-20000} OVERSELL_ATTEMPTS=$${OVERSELL_ATTEMPTS:-3000} MASS_ORDERS=$${MASS_ORDERS:-1000} MASS_IMPORTS=$${MASS_IMPORTS:-5000} DEATHS_EVERY=$${DEATHS_EVERY:-1} $(PYTEST) tests/e2e/test_chaos*.py $(ARGS)

.PHONY: bench
bench: setup ## Measure against the baselines; prints a table, writes build/bench.json
	@mkdir -p build
	@$(PYTHON) -m tests.bench $(ARGS)

.PHONY: bench-scale
bench-scale: setup ## Sync up to 1,000,000 products, change stock for five minutes: about an hour, 4 GB of memory, 10 GB of disk
	@mkdir -p build
	@$(PYTHON) -m tests.bench --only sync --only inventory --million $(ARGS)

.PHONY: proto
proto: setup ## Generate gen/ from protos/
	@find gen -type f ! -name py.typed -delete
	@$(call generate,gen)

.PHONY: migration
migration: setup ## Write the migration to the tables of the code; NAME='what it does'
	@$(PYTHON) -m stack migration '$(NAME)'

.PHONY: format
format: setup ## Put Python and protos into their format, mend what can be mended
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .
	@$(BUF) format -w

.PHONY: lock
lock: ## Resolve the dependencies again (needs uv)
	@command -v uv >/dev/null || { echo 'make lock needs uv: https://docs.astral.sh/uv/' >&2; exit 1; }
	@uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 --all-extras --group dev pyproject.toml -o requirements.lock

.PHONY: clean
clean: ## Stop leftovers, delete build results and embedded data; keeps .venv
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m stack clean; fi
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
