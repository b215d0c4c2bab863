# SPDX-License-Identifier: Apache-2.0
BUILD ?= build
CMAKE_FLAGS ?=
export WEIR_CACHE_DIR ?= $(HOME)/.cache/weir

.PHONY: all demo build package package-test test test-all lint format bench bench-peers build-costs docs sanitize clean setup

all: build

setup:
	@scripts/setup.sh

$(BUILD)/build.ninja: | setup
	@cmake -G Ninja -B $(BUILD) -S . -DWEIR_CACHE_DIR=$(WEIR_CACHE_DIR) $(CMAKE_FLAGS) >/dev/null

# Both halves at once, the long one first: Ninja would come to it last.
build: setup $(BUILD)/build.ninja  ## the program, build/weir
	@python3 scripts/bridge.py --cache $(WEIR_CACHE_DIR) --archive $(BUILD)/bridge/libbridge.a & rust=$$!; \
	  ninja -C $(BUILD) --quiet rooms || { kill $$rust 2>/dev/null; exit 1; }; wait $$rust
	@ninja -C $(BUILD) weir

demo: build  ## the flights of 2013: built, built again, changed, queried
	@scripts/demo.sh $(BUILD)/weir

# For processors of any age.
package: export WEIR_TARGET_CPU = x86-64
package: build  ## dist/: a wheel and a tarball for every Linux with glibc 2.28 or later
	@scripts/setup.sh "libstdc++-$$(g++ -dumpversion)-pic"
	@scripts/flights_data.sh
	@ninja -C $(BUILD) package_program
	@python3 scripts/package.py --build $(BUILD) --dist dist

package-test: package  ## both installed and run in empty systems without a compiler
	@scripts/setup.sh debootstrap buildah
	@python3 -m unittest discover -s tests/package -p '*_test.py' -v

test: build  ## unit, golden, property and end-to-end tests
	@ninja -C $(BUILD)
	@scripts/test.sh $(BUILD)

test-all: export WEIR_TEST_SCALE = full
test-all: test sanitize  ## the same with the long random suites, and the C++ rooms under sanitizers

sanitize: setup  ## C++ tests under address and undefined-behaviour sanitizers
	@scripts/sanitize.sh

bench: build  ## ratios against baselines measured in the same run
	@ninja -C $(BUILD) guard_rounds recording_rounds
	@"$$(scripts/venv.sh)/bin/python" bench/bench.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/compile.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/delta_log_bench.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/delta_writes.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/functions.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/guards.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/determinism.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/recording.py --weir $(BUILD)/weir

bench-peers: build  ## other tools of the day beside `weir check` and `weir run`; installs them from PyPI, hence not in `bench`
	@"$$(scripts/venv.sh)/bin/python" bench/peer_checks.py --weir $(BUILD)/weir
	@"$$(scripts/venv.sh)/bin/python" bench/peer_builds.py --weir $(BUILD)/weir

lint: setup $(BUILD)/build.ninja
	@scripts/lint.sh $(BUILD)

format:
	@git ls-files 'src/*.h' 'src/*.cc' | xargs clang-format -i
	@cd rust && cargo fmt

build-costs: setup  ## what each crate costs to build: rust/build_costs.tsv; as long as a first build
	@scripts/build_costs.py

docs: build  ## the generated parts of docs/ and ARCHITECTURE.md
	@scripts/docs.sh $(BUILD)/weir

clean:
	@rm -rf $(BUILD)
