# Every target with a word on what it does: `make help`.
SHELL := /bin/bash
PYTHON ?= python3.11
UV_VERSION := 0.13.9
UV := .tools/bin/uv
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
RUN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test audit test-cluster kind-up kind-load kind-deploy kind-demo kind-crds kind-down lint format compile bench report docs clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/.locked .venv/.kernels .venv-validate/.locked ## Install both locked environments and compile the kernels, from a bare Python 3.11

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "make: expected $(PYTHON) on the PATH, not found; install Python 3.11 or set PYTHON=" >&2; exit 2; }
	@$(PYTHON) -m venv .tools || { echo "make: $(PYTHON) cannot make a virtual environment; install its venv module (Debian: python3-venv)" >&2; exit 2; }
	@.tools/bin/pip install --quiet uv==$(UV_VERSION)

.venv/.locked: uv.lock pyproject.toml | $(UV)
	@echo "setup: main environment (about 3.4 GB)"
	@$(UV) sync --quiet --frozen --compile-bytecode --extra main
	@touch $@

# The tests' own tools, Spark and the benchmarks' peers, into the same environment; nothing of it is needed by the demo.
.venv/.locked-dev: .venv/.locked
	@echo "setup: development tools, Spark, the benchmarks' peers"
	@$(UV) sync --quiet --frozen --compile-bytecode --extra main --extra spark --extra lake --group dev --group bench
	@touch $@

# Machine code for all processes to come, inside the environment. The program itself knows whether there is something to do.
.venv/.kernels: .venv/.locked $(wildcard model/kernels/*.py model/features/*.py model/candidates/*.py)
	@$(RUN)/python -m model.package.compile_kernels
	@touch $@

.venv-validate/.locked: uv.lock pyproject.toml | $(UV)
	@echo "setup: validate environment (about 2.0 GB; TFDV needs its own)"
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.venv-validate $(UV) sync --quiet --frozen --compile-bytecode --extra validate
	@touch $@

demo: setup ## Run the main job: raw events to a rolled-out recommender and a report
	@$(RUN)/aisle demo $(ARGS)

test: setup .venv/.locked-dev ## Run all tests, including the whole pipeline on a small world
	$(RUN)/pytest -n 2

audit: setup .venv/.locked-dev ## Check advisories, workflow, manifests and Dockerfile; what cannot be had is listed
	@.ci/audit $(ARGS)

test-cluster: setup .venv/.locked-dev ## Test the manifests on a real API server: KUBECONFIG or KUBEBUILDER_ASSETS (docs/images.md)
	AISLE_CLUSTER=1 $(RUN)/pytest tests/manifests

# PROFILE=full adds KFP.
kind-up: setup ## Start a cluster on this machine with all that Aisle needs: docker, kind, kubectl, helm, 6 GB of free memory
	manifests/kind/cluster.sh up $(PROFILE)

kind-load: ## Build our images again and bring what changed onto its node
	manifests/kind/cluster.sh images

kind-deploy: setup ## Apply our manifests to it again
	manifests/kind/cluster.sh deploy

kind-demo: setup ## Train until a canary is ready on it, then ask it through the gateway
	$(RUN)/python -m pipelines.kind demo

kind-crds: ## Add the CRDs to it that only test-cluster needs
	manifests/kind/cluster.sh crds

kind-down: ## Delete that cluster and its registry
	manifests/kind/cluster.sh down

lint: setup .venv/.locked-dev ## Check style, types, layers, words, compiled pipelines, reference pages
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/aisle compile --check
	$(RUN)/python -m pipelines.manifests --check
	$(RUN)/python -m pipelines.reference --check
	$(RUN)/hadolint manifests/images/Dockerfile
	$(RUN)/pytest tests/test_words.py tests/test_independence.py

format: .venv/.locked-dev ## Format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

compile: setup ## Refresh pipelines/compiled, and the manifests and reference pages that code writes
	$(RUN)/aisle compile
	$(RUN)/python -m pipelines.manifests
	$(RUN)/python -m pipelines.reference

BENCHES := $(addprefix bench-,data demo labels quality latency calibration ablation noise rerank serving soak fuzz rollout experiment offpolicy monitoring cadence refresh shipping shops abuse abuse-soak)
bench: $(BENCHES) ## Run every benchmark; results in build/bench

bench-%: setup .venv/.locked-dev ## Run one benchmark
	$(RUN)/python -m benchmarks $* $(ARGS)

report: setup ## Write build/demo/report.html again from the last demo
	$(RUN)/aisle report

docs: .venv/.locked-dev ## Build the documentation as a site in build/site; a broken link stops it
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --quiet

clean: ## Remove everything that was built
	rm -rf build .venv .venv-validate .tools
