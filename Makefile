# Every target with a word on what it does: `make help`.
SHELL := /bin/bash
PYTHON ?= python3.11
UV_VERSION := 0.13.9
UV := .tools/bin/uv
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
RUN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-cluster kind-up kind-load kind-deploy kind-demo kind-down lint format compile bench report docs clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.locked .venv-validate/.locked ## Both locked environments, from a bare Python 3.11

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "make: expected $(PYTHON) on the PATH, not found; install Python 3.11 or set PYTHON=" >&2; exit 2; }
	@$(PYTHON) -m venv .tools || { echo "make: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: python3-venv)" >&2; exit 2; }
	@.tools/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.locked: uv.lock pyproject.toml | $(UV)
	@echo "setup: main environment (about 3.4 GB)"
	@$(UV) sync --quiet --frozen --extra main
	@touch $@

# The tests' own tools, Spark and the benchmarks' peers, into the same environment; nothing of it is needed by the demo.
.venv/.locked-dev: .venv/.locked
	@echo "setup: development tools, Spark, the benchmarks' peers"
	@$(UV) sync --quiet --frozen --extra main --extra spark --group dev --group bench
	@touch $@

.venv-validate/.locked: uv.lock pyproject.toml | $(UV)
	@echo "setup: validate environment (about 2.2 GB; TFDV needs its own)"
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.venv-validate $(UV) sync --quiet --frozen --extra validate
	@touch $@

demo: setup ## The main job: real events to a rolled-out recommender and a report
	@$(RUN)/aisle demo $(ARGS)

test: setup .venv/.locked-dev ## All tests, the whole pipeline on a small world among them
	$(RUN)/pytest

test-cluster: setup .venv/.locked-dev ## The manifests on a real API server: KUBECONFIG or KUBEBUILDER_ASSETS (docs/cluster.md)
	AISLE_CLUSTER=1 $(RUN)/pytest tests/manifests

kind-up: setup ## A cluster on this machine; needs docker, kind, kubectl, helm, 14 GB of free memory
	$(RUN)/python -m pipelines.kind up

kind-load: kind-up ## Builds our images and puts them on its node
	$(RUN)/python -m pipelines.kind load

kind-deploy: kind-up ## Gateway, KServe, KFP and our manifests on it
	$(RUN)/python -m pipelines.kind deploy

kind-demo: setup ## A training run in KFP to a ready canary on it, then questions through the gateway
	$(RUN)/python -m pipelines.kind demo

kind-down: setup ## Removes it
	$(RUN)/python -m pipelines.kind down

lint: setup .venv/.locked-dev ## Style, types, layers, compiled pipelines
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/aisle compile --check
	$(RUN)/python -m pipelines.manifests --check
	$(RUN)/hadolint manifests/images/Dockerfile

format: .venv/.locked-dev ## Puts the code into shape
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

compile: setup ## Refreshes pipelines/compiled, and the manifests that code writes
	$(RUN)/aisle compile
	$(RUN)/python -m pipelines.manifests

BENCHES := $(addprefix bench-,data demo labels quality latency calibration ablation noise rerank serving soak fuzz rollout experiment offpolicy monitoring cadence refresh shipping)
bench: $(BENCHES) ## Every measurement; results in build/bench

bench-%: setup .venv/.locked-dev ## One measurement
	$(RUN)/python -m benchmarks.$*

report: setup ## Writes build/demo/report.html again from the last demo
	$(RUN)/aisle report

docs: .venv/.locked-dev ## The documentation as a site in build/site; stops at a broken link
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --quiet

clean: ## Removes everything that is built
	rm -rf build .venv .venv-validate .tools
