# Model DB, by one word each. `make` lists the words.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# The image that build, push, c_up and c_down are about.
IMAGE ?= modeldb
ifndef VERSION
VERSION := $(shell git describe --tags --dirty 2>/dev/null | sed 's/^v//' | grep . || echo 0.1.0)
endif
export IMAGE VERSION

PYTHON   ?= python3
CHROMIUM ?= $(or $(shell command -v chromium),/usr/bin/chromium)
FUZZTIME ?= 2m

export CHROMIUM
export MODELDB_BIN := $(CURDIR)/bin/modeldb
venv    := $(CURDIR)/.venv
browser := test/browser/node_modules

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z_-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

## Program

.PHONY: run binary demo
run: ## serve on http://127.0.0.1:8000 from source, records in ./modeldb-data
	go run ./cmd/modeldb

binary: ## build the static binary bin/modeldb
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/modeldb ./cmd/modeldb

demo: binary .venv/done ## start a server of its own, record a training in it, stop it
	@folder=$$(mktemp -d); \
	bin/modeldb serve --port 0 --data "$$folder/data" >"$$folder/said" 2>"$$folder/log" & server=$$!; \
	trap 'kill "$$server" 2>/dev/null && wait "$$server" || true; rm -rf "$$folder"' EXIT; \
	for try in {1..300}; do \
	  url=$$(sed -n 's/.* serves at //p' "$$folder/said"); \
	  [ -n "$$url" ] && $(PYTHON) -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=5)' "$$url/readyz" 2>/dev/null && break; \
	  kill -0 "$$server" 2>/dev/null && [ "$$try" -lt 300 ] || { cat "$$folder/log" >&2; exit 1; }; \
	  sleep 0.1; \
	done; \
	cat "$$folder/said"; \
	.venv/bin/python examples/digits/train.py --url "$$url" --out "$$folder/digits-out"; \
	if [ -t 0 ]; then read -rp "The server is at $$url/docs; Enter stops it and removes its records. " _ || true; fi; \
	kill "$$server"; wait "$$server" || { cat "$$folder/log" >&2; exit 1; }; \
	trap 'rm -rf "$$folder"' EXIT; \
	echo "The server has stopped."

## Checks

.PHONY: check test test-go test-mlflow test-example test-browser test-container fuzz fuzz-short bench bench-parts
check: ui/node_modules/done ## what needs no run: format, vet, staticcheck, go.mod, ui/dist
	@files=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); [ -z "$$files" ] || { echo "gofmt would change: $$files" >&2; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff
	@copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	tar -C ui --exclude=./node_modules --exclude=./dist -c . | tar -C "$$copy" -x; \
	ln -s "$(CURDIR)/ui/node_modules" "$$copy"; \
	npm --prefix "$$copy" run --silent build >/dev/null; \
	diff -r "$$copy/dist" ui/dist || { echo "ui/dist is not what its sources make: cd ui && npm ci && npm run build" >&2; exit 1; }
	@echo "All checks passed."

test: ## every test, with all that it takes: Debian packages (as root), Python and Node modules
	@for part in go mlflow example browser container; do \
	  start=$$SECONDS; printf '\n== test-%s\n' "$$part"; \
	  $(MAKE) --no-print-directory "test-$$part"; \
	  echo "== test-$$part passed in $$((SECONDS - start)) s"; \
	done; \
	start=$$SECONDS; printf '\n== fuzz-short\n'; \
	$(MAKE) --no-print-directory fuzz-short; \
	echo "== fuzz-short passed in $$((SECONDS - start)) s"; \
	printf '\nAll tests passed.\n'

test-go: binary has-postgres
	go test ./...

test-mlflow: binary test/mlflow/.venv/done test/mlflow/.venv-old/done
	cd test/mlflow && .venv/bin/python -m pytest -q -p no:cacheprovider

test-example: binary .venv/done
	cd examples/digits && $(venv)/bin/python -m unittest test_digits

test-browser: binary $(browser)/done has-chromium
	npm --prefix test/browser test

test-container: .venv/done
	HADOLINT=$(venv)/bin/hadolint PYTHON=$(PYTHON) test/container/check.sh

# Go 1.26 may end a fuzzing that found nothing with "context deadline exceeded"
# (go.dev/issue/75804); what it finds, it writes to a file, and says so.
fuzz: ## fuzz each Fuzz function for FUZZTIME (2m)
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	$(list_fuzz) | while IFS=: read -r file name; do \
	  echo "-- $${name#func } for $(FUZZTIME)"; \
	  go test "./$${file%/*}" -run '^$$' -fuzz "^$${name#func }\$$" -fuzztime $(FUZZTIME) </dev/null >"$$log" 2>&1 || \
	    { grep -q '^ *context deadline exceeded$$' "$$log" && ! grep -qE 'Failing input written|^panic' "$$log"; } || \
	    { cat "$$log"; exit 1; }; \
	  { grep execs "$$log" || echo "fuzz: only the seeds were tried"; } | tail -n 1; \
	done

fuzz-short: # 40 s, shared by all
	@n=$$($(list_fuzz) | wc -l); \
	$(MAKE) --no-print-directory fuzz FUZZTIME=$$((n > 40 ? 1 : 40 / (n + !n)))s

list_fuzz = { git grep --untracked -oE '^func Fuzz\w+' -- '*_test.go' || true; }

bench: | has-python ## measure beside MLflow's own server, which it installs; writes docs/benchmarks.md
	go run ./bench $(BENCH)

bench-parts: ## measure the parts that have Go benchmarks
	go test -run '^$$' -bench . ./internal/...

## Container

.PHONY: build push c_up c_down
build: ## build the image IMAGE:VERSION
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE):$(VERSION) .

push: ## push the image IMAGE:VERSION
	docker push $(IMAGE):$(VERSION)

c_up: ## start Model DB and PostgreSQL in containers, see compose.yaml
	docker compose up -d --build --wait

c_down: ## stop them; the records stay in their volumes
	docker compose down

## What the tests take

# debian installs packages where that is ours to do, and else names them.
debian = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "Missing, please install: $(1)" >&2; exit 1; }; \
	echo "Installing $(1)"; apt-get update -qq; \
	DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $(1) </dev/null >/dev/null; }

.PHONY: has-python has-node has-chromium has-postgres
has-python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(call debian,python3-venv)

has-node:
	@{ command -v node && command -v npm; } >/dev/null || $(call debian,nodejs npm)
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' || { echo "Node 20 or newer is needed, not $$(node --version)" >&2; exit 1; }

has-chromium:
	@[ -x "$$CHROMIUM" ] || $(call debian,chromium)

has-postgres:
	@[ -n "$${MODELDB_TEST_POSTGRES:-}" ] || command -v initdb >/dev/null || \
	  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || $(call debian,postgresql)

.venv/done: examples/digits/requirements.txt test/container/requirements.txt | has-python
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check $(patsubst %,-r %,$^)
	@touch $@

test/mlflow/.venv/done: test/mlflow/requirements.txt | has-python
test/mlflow/.venv-old/done: test/mlflow/requirements-old.txt | has-python
test/mlflow/.venv/done test/mlflow/.venv-old/done:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

%/node_modules/done: %/package.json %/package-lock.json | has-node
	npm --prefix $* ci
	@touch $@
