# What a person types. The work is done by cargo and by the short scripts in scripts/.
# `make` alone lists the targets.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help sweep test build lean figures page report poster peers bench-peers oracles readers writers look torture bless-instructions install install-built lint setup clean devices bench-xla

MANIFEST ?= experiments/strong-scaling.toml
RESULTS ?= results/$(basename $(notdir $(MANIFEST)))
PREFIX ?= /usr/local

# rustup's own folder, for shells that were opened before Rust was installed.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

TARGET := $(or $(CARGO_TARGET_DIR),target)
BIN := $(TARGET)/bin

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  MANIFEST=FILE (now $(MANIFEST)), RESULTS=DIR, PREFIX=DIR change what they work on."

sweep: ## install what is missing, measure MANIFEST, make its figures, its page and its PDF
	@scripts/sweep.sh "$(MANIFEST)" "$(RESULTS)"

test: ## install what is missing, run all tests, those with MPI too where MPI can be had
	@scripts/test.sh

build: ## build amdahl and its worker into target/bin
	@scripts/setup.sh
	@scripts/build.sh worker
	@scripts/build.sh full

lean: ## the same without PDF and queries, in a quarter of the time: measures, draws figures, makes the page
	@scripts/setup.sh
	@scripts/build.sh worker
	@scripts/build.sh lean

figures: ## draw the figures of RESULTS into plots/
	@scripts/build.sh measure
	"$(TARGET)/release/amdahl" figures "$(RESULTS)"

page: ## make the page of RESULTS into report/, with its facts as JSON
	@scripts/build.sh measure
	"$(TARGET)/release/amdahl" report "$(RESULTS)" --format html,facts

report: ## make the report of RESULTS into report/: a page, a PDF, and the facts as JSON
	@scripts/build.sh full
	"$(BIN)/amdahl" report "$(RESULTS)"

poster: ## make the poster of RESULTS into report/: A0 as PDF, portrait and landscape
	@scripts/build.sh full
	"$(BIN)/amdahl" poster "$(RESULTS)"

peers: ## install the outside programs that experiments/peers.toml measures: Python packages, Spark, Rust crates
	@scripts/peers.sh

bench-peers: ## time ours against scikit-learn, oneDAL and faiss; ARGS="--quick" etc., ARGS=--help lists them
	@scripts/bench-peers.sh $(ARGS)

bench-xla: ## time a step of ours under XLA on the processor beside JAX's; ARGS="--rounds 50", SHAPE=ROWSxDIMSxK
	@scripts/bench-xla.sh $(ARGS)

devices: ## install a real device behind the accelerators' interface: XLA for the processor, one pinned wheel
	@scripts/devices.sh

oracles: ## run the programs of accelerators through XLA and IREE on the processor, and compare them with the serial backend
	@scripts/oracles.sh

readers: ## install the tools that read exports (Hatchet, Thicket, Extra-P, DuckDB …), for the tests of exports
	@scripts/readers.sh

writers: ## install the packages that write data files (pyarrow, polars, DuckDB, h5py …), for the tests of formats
	@scripts/writers.sh

LOOK ?= look

look: ## draw the figures, pages and reports of all made-up results of the tests into LOOK/, to look at
	AMDAHL_LOOK="$(abspath $(LOOK))" cargo test --release --test all -- --ignored to_look_at

torture: ## attack records, readers, manifests and sweeps for an hour; TIMES=N says how much
	@scripts/torture.sh

bless-instructions: ## write benches/instructions.json anew, after the kernels were changed on purpose
	AMDAHL_BLESS=1 cargo test --release --no-default-features --test all instruction_counts
	@git --no-pager diff --stat benches/instructions.json

install: build install-built ## put the programs into PREFIX/bin, manual pages and completions into PREFIX/share

# Without building: what target/bin has.
install-built:
	@scripts/install.sh "$(BIN)" "$(DESTDIR)$(PREFIX)"

lint: ## check the layout of the code, and clippy without warnings over every set of features
	@scripts/lint.sh

setup: ## try again to install what building needs (MPI, libclang, a C compiler)
	@scripts/setup.sh --again

clean: ## remove what was built; results, plots and reports stay
	cargo clean
