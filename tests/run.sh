#!/usr/bin/env bash
# Everything `make test` runs: on SQLite, then what both databases share on PostgreSQL.
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
tests/system.sh
mkdir -p artifacts
unset SOUK_DEBUG SOUK_DEMO DATABASE_URL REDIS_URL
tests/namespace.sh pytest -q "$@"
# Fan-out once more without its C loop.
SOUK_SENDMANY=0 tests/namespace.sh pytest -q tests/realtime/test_hub.py \
  tests/realtime/test_hub_model.py tests/realtime/test_slow_viewers.py \
  -k "not time_allowed"
tests/namespace.sh python -m tests.postgres pytest -q -m both_databases "$@"
