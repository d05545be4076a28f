# One verb a line; `make` alone explains them. CI calls these verbs and nothing else (.ci/run).

CARGO ?= cargo
TOOLS := tests/tools/install

.DEFAULT_GOAL := help
.PHONY: help build filter killable-filter sidecar demo demo-serve test cluster-test parity hop-test fuzz bench instructions lint fmt toolchain

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

build: filter ## Build what is shipped: the filter (.wasm) and the sidecar, optimised
	$(CARGO) build --locked --profile sidecar --package jwks-sync

demo: filter sidecar ## Show the main job: sign-ins through a real Envoy, good ones and bad ones
	$(CARGO) build --locked --package tests --bin demo
	@ENVOY="$$($(TOOLS) envoy)" $(CARGO) run --locked --quiet --package tests --bin demo

demo-serve: filter sidecar ## The same, left running, with a kubeconfig to use
	$(CARGO) build --locked --package tests --bin demo
	@ENVOY="$$($(TOOLS) envoy)" $(CARGO) run --locked --quiet --package tests --bin demo -- --serve

test: killable-filter filter sidecar ## Unit tests, and the filter in a real Envoy with the real sidecar
	ENVOY="$$($(TOOLS) envoy)" $(CARGO) test --locked --workspace

cluster-test: filter sidecar ## The same with real kube-apiserver, etcd, kubectl, kwok and Dex
	set -e; tools="$$($(TOOLS) envoy kube-apiserver etcd kubectl dex kwok cel-oracle)"; set -- $$tools; \
	ENVOY="$$1" KUBE_APISERVER="$$2" ETCD="$$3" KUBECTL="$$4" DEX="$$5" KWOK="$$6" CEL_ORACLE="$$7" \
	$(CARGO) test --locked --package tests --features cluster --lib --test cluster

parity: filter sidecar ## Tokens and configurations, put to a live kube-apiserver and to the gateway (10 minutes; SEED=any text)
	set -e; tools="$$($(TOOLS) envoy kube-apiserver etcd kubectl)"; set -- $$tools; \
	ENVOY="$$1" KUBE_APISERVER="$$2" ETCD="$$3" KUBECTL="$$4" \
	$(CARGO) run --locked --quiet --package parity -- --seed "$(or $(SEED),$$(git rev-parse HEAD))" $(PARITY_FLAGS)

hop-test: filter sidecar ## Header attacks, with nginx, HAProxy and a Go proxy between Envoy and the API server
	set -e; tools="$$($(TOOLS) envoy haproxy nginx reverse-proxy)"; set -- $$tools; \
	ENVOY="$$1" HAPROXY="$$2" NGINX="$$3" REVERSE_PROXY="$$4" \
	$(CARGO) test --locked --package tests --features hops --lib --test hops

fuzz: ## Let libFuzzer look for trouble: TARGET=configuration, expression or token; SECONDS=60
	@case "$(TARGET)" in configuration|expression|token) ;; \
	  *) echo "make fuzz TARGET=configuration, TARGET=expression or TARGET=token" >&2; exit 2;; esac
	RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing" \
	$(CARGO) build --locked --manifest-path fuzz/libfuzzer/Cargo.toml --target-dir target/fuzz --release --bin $(TARGET) \
	  --target "$$(rustc -vV | sed -n 's/^host: //p')"
	mkdir -p target/fuzz/corpus/$(TARGET)
	cd target/fuzz && "$$(rustc -vV | sed -n 's/^host: //p')/release/$(TARGET)" -max_total_time=$(or $(SECONDS),60) -timeout=20 -rss_limit_mb=4096 \
	  corpus/$(TARGET) ../../fuzz/corpus/$(TARGET)

bench: filter ## What a request costs Envoy with the filter, beside Envoy's own filters (some 20 minutes; best on a quiet machine)
	$(CARGO) build --locked --profile sidecar --package jwks-sync --package bench
	$(CARGO) build --locked --release --target wasm32-wasip1 --package bench-floor
	ENVOY="$$($(TOOLS) envoy)" JWKS_SYNC="$${CARGO_TARGET_DIR:-target}/sidecar/jwks-sync" \
	$(CARGO) run --locked --quiet --profile sidecar --package bench -- $(BENCH_FLAGS)

instructions: ## Count the instructions of a request against the committed figures (UPDATE=1 writes them)
	VALGRIND="$$($(TOOLS) valgrind)" $(CARGO) bench --locked --package kube-oidc-filter --bench instructions

lint: filter ## Formatting, clippy on both targets, and the architecture
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features tests/cluster,tests/hops -- --deny warnings
	$(CARGO) clippy --locked --package kube-oidc-filter --package proxy-wasm-abi --package bench-floor --target wasm32-wasip1 -- --deny warnings
	tests/architecture
	istio/validate

fmt: ## Format the code
	$(CARGO) fmt --all

filter: toolchain
	$(CARGO) build --locked --release --target wasm32-wasip1 --package kube-oidc-filter

# A second build whose VM can be killed from outside, to prove what follows then. It lies apart from the real one.
killable-filter: toolchain
	$(CARGO) build --locked --profile killable --target wasm32-wasip1 --package kube-oidc-filter --features kill-switch

sidecar: toolchain
	$(CARGO) build --locked --package jwks-sync

# rustup installs what rust-toolchain.toml names when it is first asked; other installations bring it along.
toolchain:
	@if command -v rustup >/dev/null; then rustup show active-toolchain >/dev/null 2>&1 || rustup toolchain install; \
	  rustup --quiet target add wasm32-wasip1; fi
