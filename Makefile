# `make run` needs Python >= 3.11 and nothing else. Everything is installed under .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PACKAGES := $(patsubst %/pyproject.toml,%,kit/pyproject.toml $(wildcard services/*/pyproject.toml))
ARGS ?=
SERVICES := $(notdir $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml)))
BUILDER ?= $(firstword $(notdir $(foreach one,buildah podman docker,$(shell command -v $(one)))))
FLAGS ?=

.PHONY: help
help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(VENV)/.run ## install what it takes to run, under .venv

.PHONY: run
run: $(VENV)/.run ## start everything; ARGS="--port 8420" for a port of your choice
	@$(BIN)/bell up $(ARGS)

.PHONY: test
test: $(VENV)/.dev servers ## run every test but the long ones
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: test-cluster
test-cluster: $(VENV)/.dev ## run the tests that want a Kubernetes: the one that KUBECONFIG names, or one that is built with Go
	@$(BIN)/python -m tests.cluster.build
	$(BIN)/python -m pytest tests/cluster $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## style, types, import rules, contracts; generated files and pins are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy --no-error-summary $(PACKAGES) dashboards benchmarks tests
	$(BIN)/lint-imports
	$(BIN)/python -m bellboard_cli.protos check
	$(BIN)/python -m pip check

.PHONY: fmt
fmt: $(VENV)/.dev ## put code and contracts in order
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .
	$(BIN)/buf format --write

.PHONY: proto
proto: $(VENV)/.dev ## generate code from the contracts, and the page of signals
	$(BIN)/python -m bellboard_cli.protos
	$(BIN)/python -m bellboard.telemetry > docs/signals.md

.PHONY: dashboards
dashboards: $(VENV)/.dev ## make Grafana's dashboards, and the rules of what is promised, for the chart
	$(BIN)/python -m dashboards

.PHONY: manifests
manifests: $(VENV)/.dev ## write what comes from the chart: enrolments, what values there have to be, their page, plain manifests
	$(BIN)/python -m tests.chart.enrolments
	$(BIN)/python -m tests.chart.whole
	$(BIN)/python -m tests.chart.reference
	$(BIN)/python -m tests.chart.manifests

.PHONY: scan
scan: $(VENV)/.dev ## look for weaknesses in the chart's manifests with checkov, which takes 350 MB once
	$(BIN)/python -m tests.chart.scan

.PHONY: bench
bench: $(VENV)/.dev ## measure against raw NATS
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-cluster
bench-cluster: $(VENV)/.dev ## measure how long forty teams take to install in a Kubernetes that is built with Go
	$(BIN)/python -m tests.cluster.forty

.PHONY: chaos
chaos: $(VENV)/.dev ## kill everything, many times, and count; ARGS="--seed 7" to replay
	$(BIN)/python -m tests.chaos.simulator --least 1000 $(ARGS)
	$(BIN)/python -m tests.chaos.storm $(ARGS)
	$(BIN)/python -m tests.chaos.rollouts $(ARGS)
	$(BIN)/python -m tests.chaos.escalations $(ARGS)
	PYTHONPATH=tests/bots/practice $(BIN)/python -m tests.chaos.restores $(ARGS)
	$(BIN)/python -m tests.chaos.cluster $(ARGS)

.PHONY: github
github: $(VENV)/.dev ## hold the requests to GitHub against its own description; with npx, which fetches 475 MB once
	$(BIN)/python -m tests.integration.deploy.prism

.PHONY: new-bot
new-bot: $(VENV)/.dev ## make a bot whose tests pass: make new-bot NAME=weather
	@test -n "$(NAME)" || { echo "say its name: make new-bot NAME=weather" >&2; exit 2; }
	@$(BIN)/bell new-bot "$(NAME)"
	@$(PIP) install --no-deps --no-build-isolation -e "services/$(NAME)"

.PHONY: images
images: ## build an image of each service; ARGS="gateway memes" for some, BUILDER=buildah and FLAGS for how
	@test -n "$(BUILDER)" || { echo "an image needs docker, podman or buildah; none is here" >&2; exit 2; }
	@for service in $(or $(ARGS),$(SERVICES)); do \
	  $(BUILDER) build $(FLAGS) --build-arg SERVICE=$$service -t bellboard-$$service . || exit 1; done

.PHONY: pins
pins: $(VENV)/.dev ## choose newer versions, and pin them by hash
	@cd requirements && for name in build run dev image scan; do \
	  ../$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command "make pins" $$name.in -o $$name.txt || exit 1; done

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Bellboard needs Python 3.11 or newer; '$(PYTHON)' is not. Install one and say: make PYTHON=/path/to/python3.11 $(or $(MAKECMDGOALS),run)" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module. On Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@echo "Installing under $(VENV); this takes a minute, once."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.python requirements/build.txt requirements/run.txt $(PACKAGES:=/pyproject.toml)
	@$(PIP) install --require-hashes -r requirements/build.txt
	@$(PIP) install --require-hashes --no-build-isolation -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation $(PACKAGES:%=-e ./%)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(PIP) install --require-hashes --no-build-isolation -r requirements/dev.txt
	@touch $@

.PHONY: servers
servers: # a browser, Helm, and servers of others, for tests; as root on Debian they are installed, elsewhere those tests are skipped
	@$(BIN)/python -m tests.chart.tools >/dev/null || echo "helm can't be fetched: the chart's tests are skipped"
	@have() { command -v "$$1" >/dev/null || test -e "/usr/sbin/$$1"; }; missing=; \
	have chromium || have google-chrome || missing="$$missing chromium fonts-dejavu-core"; \
	have haproxy || missing="$$missing haproxy"; \
	have prometheus && have promtool || missing="$$missing prometheus"; \
	have prometheus-alertmanager || missing="$$missing prometheus-alertmanager"; \
	have carbon-cache || missing="$$missing graphite-carbon"; \
	test -d /usr/lib/python3/dist-packages/graphite || missing="$$missing graphite-web"; \
	test -e /lib/systemd/systemd-journal-remote || missing="$$missing systemd-journal-remote"; \
	test -n "$$missing" || exit 0; \
	if test "$$(id -u)" = 0 && have apt-get; then \
	  quiet=/usr/sbin/policy-rc.d; \
	  test -e $$quiet || { trap 'rm -f /usr/sbin/policy-rc.d' EXIT; printf '#!/bin/sh\nexit 101\n' >$$quiet; chmod +x $$quiet; }; \
	  apt-get update -qq; \
	  for one in $$missing; do \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$one >/dev/null || \
	      echo "$$one can't be installed: its tests are skipped"; \
	  done; \
	else echo "not here, and their tests are skipped:$$missing"; fi
