# MoM's commands. `make` prints them. Everything that is built or fetched goes to bin/ and .build/, which Git ignores.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
BENCH ?= .
DATA ?=
CONFIG ?= deploy/mom.yaml
ENVOY ?= deploy/envoy/envoy.yaml

# The tokenizer library is linked into mom; quoted, so that a folder with spaces works.
export CGO_LDFLAGS := "-L$(CURDIR)/.build/lib"

# tests/ starts whole programs; the race detector would only watch the client there.
# The store in Milvus is tried by a target of its own: no configuration leads to it yet, and a booting server takes minutes.
unit = $$(go list ./... | grep -vE '/tests(/|$$)|/recall/milvus$$')
lint := .build/bin/golangci-lint

.PHONY: help setup milvus build run test test-milvus check fmt bench fuzz eval models data-given clean distclean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## fetch and build the native parts into .build/ (pinned, hash-checked; nothing to do the second time)
	@scripts/setup.sh

milvus: setup
	@scripts/setup.sh milvus

build: setup ## build bin/mom
	go build -trimpath -ldflags '-s -w -X github.com/mom-router/mom/cmd/mom/app.version=$(VERSION)' -o bin/mom ./cmd/mom

run: build ## run the whole gateway here: two demo backends, mom, Envoy; Ctrl-C stops it (CONFIG=, ENVOY= name other files)
	@go build -o .build/bin/demo ./scripts/demo
	@exec .build/bin/demo --end-with-parent --config '$(CONFIG)' --envoy '$(ENVOY)'

test: export MOM_REQUIRE_ONNX = 1
test: export MOM_REQUIRE_ENVOY = 1
test: build ## the whole test suite, with the real Envoy and encoder (a missing one is a failure)
	go test -race $(unit)
	MOM_BIN='$(CURDIR)/bin/mom' go test -count=1 ./tests/...

test-milvus: export MOM_REQUIRE_MILVUS = 1
test-milvus: milvus ## the store in Milvus, against the real server (a missing one is a failure)
	go test -count=1 -timeout 20m ./pkg/recall/milvus

check: setup $(lint) ## what CI runs first: format, vet, lint, unit tests with the race detector, import rules
	@unformatted=$$($(lint) fmt --diff ./...) || { echo "$$unformatted"; echo 'check: run make fmt' >&2; exit 1; }
	go vet ./...
	$(lint) run ./...
	go test -race $(unit)
	go test -count=1 -run 'Room|Door' ./tests

fmt: $(lint) ## format all Go files
	$(lint) fmt ./...

bench: setup ## benchmarks, with allocations (BENCH= picks by name)
	go test -run '^$$' -bench '$(BENCH)' -benchmem $(unit)

fuzz: setup ## every fuzz target for FUZZTIME each
	@for package in $(unit); do \
		for target in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' "$$package"; \
		done; \
	done

eval: data-given build ## measure the shipped models, as they are served, on validation data (DATA= is the folder of training data)
	@has() { grep -q "^task: $$1\b" "$${MOM_MODELS:-models}"/*/manifest.yaml || { echo "no model is for the task $$1"; false; }; }; \
	run() { echo; echo "mom eval $$*"; bin/mom eval "$$@"; }; \
	if has domain; then run domain --data '$(DATA)/intent/val.jsonl.gz'; fi; \
	if has difficulty; then \
		run difficulty --data '$(DATA)/difficulty/val.jsonl.gz' --train '$(DATA)/difficulty/train.jsonl.gz'; \
		run routing --data '$(DATA)/difficulty/val.jsonl.gz' --train '$(DATA)/difficulty/train.jsonl.gz'; \
	fi; \
	if has jailbreak; then \
		run jailbreak --data '$(DATA)/jailbreak/val.jsonl.gz'; \
		run jailbreak --data models/recipes/samples/hidden.jsonl --hidden; \
	fi; \
	if has pii; then run pii --data '$(DATA)/pii/val.jsonl.gz'; fi; \
	if has similarity; then \
		run similarity --data '$(DATA)/similarity/val.jsonl.gz'; \
		run cache --data '$(DATA)/similarity/val.jsonl.gz'; \
	fi

models: data-given .build/recipes-venv/ready ## train, export and judge the models MoM ships (DATA= is the folder of training data)
	@run() { PYTHONPATH=models/recipes .build/recipes-venv/bin/python -m mom_recipes "$$@"; }; \
	long=.build/flash more=.build/flash-more settled=.build/flash-settled again=.build/flash-settled-2 out=.build/flash-last model=models/mom-brain-flash; \
	run train --data '$(DATA)' --out $$long; \
	run train --data '$(DATA)' --out $$more --start $$long/trunk.safetensors --stage more; \
	run train --data '$(DATA)' --out $$settled --start $$more/trunk.safetensors --passes 1 --stage settle-1; \
	run train --data '$(DATA)' --out $$again --start $$settled/trunk.safetensors --passes 1 --stage settle-2; \
	run train --data '$(DATA)' --out $$out --start $$again/trunk.safetensors --blend $$long/trunk.safetensors --passes 1 --stage settle-3; \
	run export --data '$(DATA)' --out $$out --model $$model; \
	run evaluate --data '$(DATA)' --out $$out --model $$model; \
	run card --out $$out --model $$model

data-given: # before gigabytes of libraries are fetched
	@test -d '$(DATA)' || { echo 'DATA= must name the folder of training data; models/recipes/DATA.md says what is in it' >&2; exit 1; }

.build/recipes-venv/ready: models/recipes/requirements.lock models/recipes/base.lock
	python3 -m venv .build/recipes-venv
	.build/recipes-venv/bin/pip install --quiet --require-hashes -r models/recipes/requirements.lock
	.build/recipes-venv/bin/pip install --quiet --require-hashes --no-deps -r models/recipes/base.lock
	@touch $@

clean: ## remove bin/ and what a run left; the native parts stay
	rm -rf bin .build/run .build/bin/demo

distclean: clean ## remove .build/ too, native parts and all
	rm -rf .build

# The linter has a module of its own, so that its dependencies never meet ours.
$(lint): tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 go build -o ../$(lint) github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $(lint)
