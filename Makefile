SHELL := /bin/bash
.DEFAULT_GOAL := help

export DAGSTER_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
# What is imported is compiled once, where it is first: to compile all that is installed takes a minute.
export PYTHONDONTWRITEBYTECODE :=

TENURE_HOME ?= $(CURDIR)/.tenure
export TENURE_HOME
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)
PYTHON ?= python3
BI_PORT ?= 8088
UV := $(shell command -v uv || echo $(CURDIR)/.uv/bin/uv)

.PHONY: help setup lock run dev docs notebook bi test-bi test check test-wide bench format clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: .venv/.ready  ## Install everything that Tenure needs into .venv

.venv/.ready: requirements.lock pyproject.toml
	@test -x "$(UV)" || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; }
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

lock: setup  ## Write both requirements.lock anew, from pyproject.toml and requirements.in
	$(UV) pip compile --quiet pyproject.toml --group dev --universal --generate-hashes -o requirements.lock
	cd publishing/bi && $(UV) pip compile --quiet requirements.in --universal --generate-hashes --python-version 3.11 -o requirements.lock

run: setup  ## Write the demo company and publish a release of it
	tenure demo
	tenure run

dev: setup  ## Open the Dagster page on 127.0.0.1:3000
	@mkdir -p $(TENURE_HOME)/dagster && cp dagster.yaml $(TENURE_HOME)/dagster/dagster.yaml
	DAGSTER_HOME=$(TENURE_HOME)/dagster dagster dev --module-name orchestration.definitions --host 127.0.0.1 --port 3000

docs: setup  ## Write the page of the canonical tables anew from their contracts
	tenure-dbt --quiet parse --project-dir $(CURDIR)/dbt_project --profiles-dir dbt_project
	python -m ingestion.document dbt_project/target/manifest.json

notebook: setup  ## Open the notebooks on the current release
	marimo edit notebooks --host 127.0.0.1 --port 2718

bi: .bi/.ready  ## Open the dashboards in Superset on 127.0.0.1:8088 (TENURE_HOME, BI_PORT)
	@exec .bi/bin/python -m publishing.bi.start --port $(BI_PORT)

.bi/.ready: publishing/bi/requirements.lock | setup
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .bi
	$(UV) pip sync --quiet --python .bi/bin/python --require-hashes publishing/bi/requirements.lock
	@touch $@

test: check-static  ## Run the whole test suite
	pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not wide and not bi" --durations=12

check: check-static  ## Run everything that needs no whole pipeline run
	pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not wide and not bi and not whole_run"

.PHONY: check-static check-python check-types check-steps check-sql check-project
check-static: setup
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-steps check-sql check-types check-project check-python

check-python:
	ruff format --check .
	ruff check .

check-types:
	pyrefly check --summary=none --min-severity error

check-steps:
	sqlfluff lint dbt_project/models/intermediate

check-sql:
	sqlfluff lint dbt_project/models/staging dbt_project/models/marts dbt_project/tests

check-project:
	tenure-dbt --quiet parse --project-dir $(CURDIR)/dbt_project --profiles-dir dbt_project

test-wide: setup  ## Run the wide and slow variants: many kills, many seeds
	pytest -n 2 --dist loadfile --no-loadscope-reorder -m wide
	pytest -n 2 --dist loadfile --no-loadscope-reorder -m "hypothesis and not wide" --hypothesis-profile wide

test-bi: setup .bi/.ready  ## Compare what Superset's charts say with SQL on two releases
	pytest -m bi

bench: setup  ## Print the benchmark tables
	python -m tests.bench
	python -m tests.bench_events
	python -m tests.bench_api
	python -m tests.bench_identity
	python -m tests.bench_identity_stage
	python -m tests.bench_revenue

format: setup  ## Format the code and the SQL
	ruff format . && ruff check --fix .
	sqlfluff fix --processes 2 dbt_project/models dbt_project/tests

clean:  ## Remove all that was installed or built, but not the home
	rm -rf .venv .bi .uv .pytest_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
