# Needs make and Python 3.11 or newer, nothing else. `make help` lists what there is.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin

.PHONY: help install demo test pictures run worker lint bench bench-full fuzz siege chaos lock clean

help:  ## list what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

.venv/installed: requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv-bench/installed: requirements-bench.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

install: .venv/installed  ## make .venv with the pinned libraries

demo: .venv/installed  ## see the whole flow, far sides included (ONCE=1: end when all have arrived)
	$(BIN)/flask demo $(if $(ONCE),--once)

test: .venv/installed-dev  ## run every test, on SQLite and PostgreSQL, in Chromium where there is one
	$(BIN)/pytest -n 4 --dist worksteal $(ARGS)

pictures: .venv/installed-dev  ## the docs' pictures of the console, from a demo that runs (needs chromium)
	$(BIN)/python -m tests.browser.pictures $(or $(URL),http://127.0.0.1:8000)

run: .venv/installed  ## run the web door and a worker with the settings in .env
	$(BIN)/flask db upgrade
	@trap 'trap - INT TERM EXIT; kill 0' INT TERM EXIT; $(BIN)/flask worker & $(BIN)/gunicorn -c config/gunicorn.py 'app:create_app()'

lint: .venv/installed-dev  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed-dev  ## measure, and write docs/measurements.md
	$(BIN)/python -m bench $(ARGS)

bench-full: .venv/installed-dev .venv-bench/installed  ## the same beside what others would pick (redis-server on PATH)
	$(BIN)/python -m bench --full $(ARGS)

fuzz: .venv/installed-dev  ## hostile input against every parser and the mapping (SECONDS=60 for each target; Linux)
	$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60) $(ARGS)

siege: .venv/installed-dev  ## slow clients and floods against a real gunicorn (SECONDS=8 for each attack)
	$(BIN)/python -m fuzz.siege --seconds $(or $(SECONDS),8) $(ARGS)

chaos: .venv/installed-dev  ## run the whole system under faults for a minute (ARGS='--seeds 20', '--minutes 60')
	$(BIN)/python -m chaos $(ARGS)

lock: .venv/installed-dev  ## resolve pyproject.toml anew into the two lock files (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		pyproject.toml -o requirements.lock --quiet
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group dev pyproject.toml -o requirements-dev.lock --quiet
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--group bench -o requirements-bench.lock --quiet

clean:  ## take away what was made here, the demo's data included; your ledger in var/ stays
	rm -rf .venv .venv-bench var/demo* var/chaos* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
