# The commands a person types; each calls the real tool. Python tools live in $(VENV), made on first use.
#   make demo [MUSIC=~/Music]   from a music folder to the next songs
#   make test                   native and Python tests
#   make bench                  benchmarks beside their peers, and the ratios that must hold
#   make bench-peers            every peer side by side (10 minutes); writes benchmarks/RESULTS.md, docs/benchmarks.svg
#   make lint                   format, style, types, direction of imports; C++ by clang-tidy
#   make tidy                   the last alone (a minute)
#   make sanitize               native tests with the address, undefined-behaviour and thread sanitizers
#   make install-check          the C library from an installed prefix, its rows beside Python's
#   make test-arm [ARM=--quick] everything on emulated ARM; quick: the native tests only
#   make fuzz                   ten minutes of fuzzing (apt install clang libclang-rt-14-dev)
#   make wheels                 wheels for x86-64 and ARM in dist/, each tried in an empty environment
#   make cost                   what it costs on Raspberry Pi boards: writes docs/raspberry-pi.md anew
#   make faults                 power cuts, kills, failing disks, damage of all kinds, in full (20 minutes; docs/faults.md)
#   make contract               what a scan with limits takes, and music beside it (10 minutes; docs/resources.md)
#   make month                  a month of listening (15 minutes): writes docs/long-run.md anew
#   make gates                  only the ratios that must hold
#   make stub                   write the typing stub of the native module anew

PYTHON ?= python3
VENV ?= .venv
MUSIC ?= examples/music

BUILD := build
BIN := $(VENV)/bin
WHEELS := $(VENV)/wheels
PACKAGE := pyproject.toml setup.py README.md LICENSE \
  $(shell find src native -type f -not -path '*/build*/*' -not -name '*.so' -not -name '*.pyc' -not -path '*.egg-info*')

OTHER := $(VENV)/tflite-runtime
TEST_JOBS ?= 2
TEST_EXTRAS ?= av,plot,serve,test,train
LINT_EXTRAS := lint,plot,serve
BENCH_EXTRAS := bench,serve

PEERS ?= .venv-peers
ARM ?=  # for test-arm: --quick
BENCH ?=  # for bench-peers: --quick, --music DIR, --only SECTION, --help

TOOLS := PATH="$(abspath $(BIN)):$$PATH"

.PHONY: demo test bench bench-peers lint tidy sanitize gates faults contract month stub install-check fuzz test-arm wheels cost
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	@$(BIN)/python examples/demo.py "$(MUSIC)"

test: $(VENV)/.installed-test $(VENV)/.cmake $(OTHER)/.installed
	$(TOOLS) cmake -S native -B $(BUILD)/native -DEDGEMOOD_TESTS=ON
	$(TOOLS) cmake --build $(BUILD)/native --parallel
	$(TOOLS) ctest --test-dir $(BUILD)/native --output-on-failure
	EDGEMOOD_OTHER_RUNTIME="$(abspath $(OTHER))" $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile -m "not real_time"
	$(BIN)/python -m pytest -m real_time

bench: $(VENV)/.installed-bench $(VENV)/.cmake
	$(TOOLS) $(BIN)/python -m pytest -s benchmarks

bench-peers: $(PEERS)/.installed $(VENV)/.installed-bench $(VENV)/.cmake
	$(TOOLS) PYTHONPATH=benchmarks $(BIN)/python -m sidebyside --peers $(PEERS) $(BENCH)

gates: $(VENV)/.installed-bench $(VENV)/.cmake
	$(TOOLS) $(BIN)/python -m pytest -s --benchmark-skip benchmarks/bench_gates.py benchmarks/bench_sidebyside.py \
	  benchmarks/bench_pitch.py benchmarks/bench_live.py benchmarks/bench_models.py benchmarks/bench_rank.py \
	  benchmarks/bench_month.py

faults: $(VENV)/.installed-test
	for series in powercut kills tags daemon storage errors clock damage bundles mutations; do \
	  $(BIN)/python -m tools.faults $$series || exit 1; done

contract: $(VENV)/.installed-test
	$(BIN)/python -m tools.contract

month: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/bench_month.py --report docs/long-run.md

sanitize: $(VENV)/.cmake
	cd native && $(TOOLS) cmake --preset asan
	cd native && $(TOOLS) cmake --build --preset asan --parallel
	cd native && $(TOOLS) ctest --preset asan
	cd native && $(TOOLS) cmake --preset tsan
	cd native && $(TOOLS) cmake --build --preset tsan --parallel
	cd native && $(TOOLS) ctest --preset tsan

install-check: $(VENV)/.installed $(VENV)/.cmake
	$(TOOLS) $(BIN)/python native/tests/install_check.py

fuzz: $(VENV)/.cmake
	cd native && $(TOOLS) cmake --preset fuzz && $(TOOLS) cmake --build --preset fuzz
	mkdir -p $(BUILD)/corpus
	$(BUILD)/native-fuzz/fuzz/fuzz_extractor -max_total_time=600 -max_len=400 $(BUILD)/corpus native/fuzz/corpus/extractor

test-arm: $(VENV)/.installed-arm
	$(TOOLS) $(BIN)/python -m tools.arm $(ARM)

wheels: $(VENV)/.installed-arm
	$(TOOLS) $(BIN)/python -m tools.wheels

cost: $(VENV)/.installed-arm
	$(TOOLS) $(BIN)/python -m tools.arm.cost

lint: $(VENV)/.installed-lint tidy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pybind11-stubgen edgemood._native --output-dir $(BUILD)/stubs 2>/dev/null
	diff $(BUILD)/stubs/edgemood/_native.pyi src/edgemood/_native.pyi || { echo "stale stub: make stub" >&2; exit 1; }
	find native \( -name '*.h' -o -name '*.c' -o -name '*.cc' \) -not -path '*/build*/*' | \
	  xargs $(BIN)/clang-format --dry-run --Werror

# What it says goes to a file first: a line of progress a source is of no use.
tidy: $(VENV)/.installed-lint $(VENV)/.cmake
	$(TOOLS) cmake -S native -B $(BUILD)/native-tidy -DEDGEMOOD_TESTS=ON -DEDGEMOOD_SHARED=OFF \
	  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
	$(BIN)/python $(BIN)/run-clang-tidy.py -quiet -clang-tidy-binary $(BIN)/clang-tidy -p $(BUILD)/native-tidy \
	  >$(BUILD)/native-tidy/report 2>&1 || { cat $(BUILD)/native-tidy/report; exit 1; }

stub: $(VENV)/.installed-lint
	$(BIN)/pybind11-stubgen edgemood._native --output-dir src

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "edgemood needs Python 3.10 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig; open(os.path.join(sysconfig.get_config_var("INCLUDEPY"), "Python.h"))' 2>/dev/null || \
	  { echo "$(PYTHON) has no Python.h to build against: apt install python3-dev" >&2; exit 1; }
	@command -v $${CXX:-c++} >/dev/null || \
	  { echo "no C++ compiler found: apt install g++" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.cmake: $(VENV)/.made
	$(BIN)/python -m pip install --quiet "cmake>=3.21"
	@touch $@

# Built once, as `pip install .` would build it, and installed from there for every purpose.
$(WHEELS)/.built: $(VENV)/.made $(PACKAGE)
	rm -rf $(WHEELS)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $(WHEELS) .
	@touch $@

# $(1): extras in brackets, or nothing. The second line replaces an older build of the same version.
define install
$(BIN)/python -m pip install --quiet "$$(echo $(WHEELS)/*.whl)$(1)"
$(BIN)/python -m pip install --quiet --no-deps --force-reinstall $(WHEELS)/*.whl
@touch $@
endef

$(VENV)/.installed: $(WHEELS)/.built
	$(call install)

# With TensorFlow, for the tests of converters/; `make test TEST_EXTRAS=av,plot,test` does without it and them.
$(VENV)/.installed-test: $(WHEELS)/.built
	$(call install,[$(TEST_EXTRAS)])

# tflite-runtime, what armv7 has, beside an older NumPy that it needs; it has no wheels for Python 3.12 and later.
$(OTHER)/.installed: $(VENV)/.made
	rm -rf $(OTHER)
	mkdir -p $(OTHER)
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then \
	  $(BIN)/python -m pip install --quiet --target $(OTHER) "tflite-runtime>=2.14" "numpy<2"; fi
	@touch $@

$(VENV)/.installed-bench: $(WHEELS)/.built
	$(call install,[$(BENCH_EXTRAS)])

# Of the peers what does not install is named, with the reason, in the report.
$(PEERS)/.installed: $(WHEELS)/.built $(VENV)/.installed-bench benchmarks/sidebyside/table.py
	PYTHONPATH=benchmarks $(BIN)/python -m sidebyside.install $(PEERS) $(WHEELS)/*.whl
	@touch $@

$(VENV)/.installed-arm: $(WHEELS)/.built tools/wheels/requirements.txt
	$(BIN)/python -m pip install --quiet -r tools/wheels/requirements.txt
	$(call install)

$(VENV)/.installed-lint: $(WHEELS)/.built
	$(call install,[$(LINT_EXTRAS)])

