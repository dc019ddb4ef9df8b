# `make help` lists the targets. Every target sets up what it needs by itself.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := bash
STAGE := scripts/stage.sh

# Marks every process that a run starts, so that `leftovers` can tell what outlived it.
export WOOL_TEST_RUN ?= $(shell date +%s)-$(shell echo $$PPID)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## one pool, workers in four languages, in front of your eyes
	@scripts/setup.sh packages
	@examples/demo/run.sh

# In order: what is cheap and finds most comes first.
TEST_STAGES := setup format lint selftest build abi test-rust loom test-c test-go test-node drivers examples docs started conformance secure users hostile grpc tls lan networks leftovers

.PHONY: test
test: ## everything that must hold before a change goes in; what CI runs
	@mkdir -p target && rm -f target/stages.tsv
	@status=0; $(MAKE) $(TEST_STAGES) || status=$$?; scripts/summary.sh; exit $$status

.PHONY: setup
setup: ## system packages, toolchains, Node packages
	@$(STAGE) setup scripts/setup.sh

.PHONY: format
format: ## format the code; in CI only check it
	@$(STAGE) format scripts/format.sh

.PHONY: lint
lint: ## clippy, go vet, type check, and what no compiler checks
	@$(STAGE) tidy scripts/tidy.py
	@$(STAGE) clippy cargo clippy --workspace --all-targets --quiet -- -D warnings
	@$(STAGE) "go vet" scripts/go.sh vet ./...

.PHONY: build
build: ## libwool, the Rust programs, the Node addon
	@$(STAGE) "build rust" cargo build --release --quiet -p libwool -p wool-driver-rust -p quickstart -p docs-examples -p wool-certs
	@$(STAGE) "build node" npm run --silent build --prefix bindings/node

.PHONY: abi
abi: build ## the committed header and ABI lock are those of the code
	@$(STAGE) abi ffi/check-abi.sh

# Programs without tests of their own: they are tests, or measured, or shown.
PROGRAMS := wool-driver-rust quickstart docs-examples wool-demo wool-bench

.PHONY: test-rust
test-rust: ## the core and the values crate
	@$(STAGE) "test rust" cargo test --quiet --workspace $(PROGRAMS:%=--exclude %) --exclude wool-loom

.PHONY: loom
loom: ## the doorbell's and the outcome's races, in every interleaving
	@$(STAGE) loom cargo test --quiet -p wool-loom

.PHONY: test-c
test-c: build ## the ABI from C and C++, with sanitizers
	@$(STAGE) "test c" tests/c/run.sh

.PHONY: test-go
test-go: build ## the Go binding, under the race detector
	@$(STAGE) "test go" scripts/go.sh test -race ./...

.PHONY: test-node
test-node: build ## the Node binding
	@$(STAGE) "test node" npm test --prefix bindings/node

.PHONY: selftest
selftest: ## the conformance runner and the network harness catch what they are there to catch
	@$(STAGE) "test runner" python3 -m unittest discover --quiet -s tests/runner/selftest
	@$(STAGE) "test networks" python3 -m unittest discover --quiet -s tests/networks/selftest

.PHONY: drivers
drivers: build ## the conformance drivers of all languages
	@$(STAGE) drivers python3 tests/runner --build

.PHONY: examples
examples: build ## the quick starts, run as tests
	@$(STAGE) examples examples/quickstart/run.sh

.PHONY: docs
docs: build ## the pages under docs/ quote their programs, and these run as tests
	@$(STAGE) quotes examples/docs/quotes.py
	@$(STAGE) docs examples/docs/run.sh

.PHONY: started
started: build ## the quick starts, started by shells, debuggers, as process 1 and so on
	@$(STAGE) started tests/started/run.sh

.PHONY: conformance
conformance: drivers ## every scenario, for every caller and worker language
	@$(STAGE) conformance python3 tests/runner

.PHONY: secure
secure: drivers ## every scenario again, with credentials on both sides
	@$(STAGE) secure python3 tests/runner --secure

.PHONY: users
users: drivers ## two users of one machine do not meet each other's workers
	@$(STAGE) users timeout 300 python3 tests/users

.PHONY: hostile
hostile: drivers ## a worker goes on serving whatever is thrown at its port
	@$(STAGE) hostile python3 tests/hostile

.PHONY: grpc
grpc: drivers ## a generic gRPC client lists and describes the workers
	@$(STAGE) grpc tests/grpc/run.sh

.PHONY: tls
tls: drivers ## TLS of workers and callers, from outside: openssl, plain sockets, grpcio
	@$(STAGE) tls tests/tls/run.sh

.PHONY: lan
lan: ## discovery on the network beside python-zeroconf and Python wool
	@$(STAGE) lan tests/lan/run.sh

.PHONY: networks
networks: drivers ## workers on several hosts, whose links are cut, slow, lossy and one-way; once more with credentials
	@$(STAGE) networks python3 tests/networks
	@$(STAGE) "networks tls" python3 tests/networks --secure

.PHONY: leftovers
leftovers: ## nothing that a run started is still there
	@$(STAGE) leftovers scripts/leftovers.py

# Where the development CA keeps its certificates.
CERTS ?= certs

.PHONY: certs
certs: ## certificates of a development CA, for this machine, in CERTS
	@cargo run --release --quiet -p wool-certs -- $(CERTS)

.PHONY: bench
bench: setup ## measure, beside a floor and a rival in the same run
	@benches/run.sh

.PHONY: fuzz
fuzz: build ## look for bytes that a decoder gets wrong, for FUZZ_SECONDS each
	@scripts/fuzz.sh

# How long to soak, in minutes.
SOAK_MINUTES ?= 30

.PHONY: soak
soak: setup drivers ## 100,000 races of ends of calls, as many calls of workers that are killed, a stream of a million items; the conformance matrix, over and over, for SOAK_MINUTES
	@WOOL_SOAK_RACES=100000 cargo test --quiet -p wool --test races -- --nocapture
	@WOOL_SOAK_KILLED=100000 cargo test --quiet -p wool --test killed -- --nocapture
	@WOOL_SOAK_ITEMS=1000000 cargo test --release --quiet -p wool --test generators -- however_long
	@python3 tests/runner --minutes $(SOAK_MINUTES)
