# make run    a shop with a live host on http://127.0.0.1:8000
# make test   installs what tests need and passes everything
# Others: lint, bench, soak, docs, written, lock, clean.

PYTHON ?= python3
BIN := .venv/bin
CLIENT := $(shell find web/client -type f 2>/dev/null)
export SOUK_PORT ?= 8000
DEMO ?= 1

.PHONY: run test lint bench soak docs written lock clean

run: .venv/run.stamp web/static/web/app.js
	@SOUK_DEBUG=1 SOUK_DEMO=$(DEMO) SOUK_URL=http://127.0.0.1:$(SOUK_PORT) \
	  SOUK_MEDIA_ADDRESSES=127.0.0.1 exec $(BIN)/souk start

test: .venv/test.stamp tests/asyncapi/node_modules/.stamp web/static/web/app.js
	@tests/run.sh

lint: .venv/test.stamp node_modules/.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	npm run --silent check

# One script a claim: make bench NAME=fanout
bench: .venv/test.stamp web/static/web/app.js
	$(BIN)/python -m bench.$(NAME)

# Long runs: make soak NAME=sale, or every test in its long form
soak: .venv/test.stamp
	$(if $(NAME),$(BIN)/python -m tests.soak.$(NAME),SOAK=1 tests/run.sh)

# Do the pages name everything the code has?
docs: .venv/test.stamp
	$(BIN)/pytest -q tests/test_docs.py

# What is written from the registry of commands and events
written: .venv/run.stamp
	@$(BIN)/souk asyncapi > docs/asyncapi.json
	@$(BIN)/souk client_types > web/client/wire.ts

lock: .venv/test.stamp
	$(BIN)/pip install -q uv
	for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    $$name.in -o $$name.lock || exit 1; \
	done

clean:
	rm -rf .venv node_modules tests/asyncapi/node_modules var artifacts web/static/web/app.*

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Souk needs Python 3.11 or newer: make PYTHON=python3.12 run"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml realtime/_sendmany.c | .venv/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

node_modules/.stamp: package-lock.json
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
	  { echo "Souk needs Node 20 or newer to build its pages"; exit 1; }
	npm ci --silent --ignore-scripts
	@touch $@

tests/asyncapi/node_modules/.stamp: tests/asyncapi/package-lock.json
	npm ci --silent --ignore-scripts --prefix tests/asyncapi
	@touch $@

web/static/web/app.js: node_modules/.stamp package.json $(CLIENT)
	npm run --silent build
