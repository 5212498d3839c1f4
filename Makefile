# The one list of commands. Each sets up what it needs on a machine that has the Swift toolchain, Python 3.9+ and make.
.PHONY: help demo build library embedded venv test format lint wheel oracle bench bench-layers bench-memory bench-growth bench-document fuzz clean
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
LIBRARY := python/swiftcnn/lib/libswiftcnn.so
EMBEDDED := build/embedded/libswiftcnn.so
# The package manager must choose its own C compiler, and the library must look for nothing beside itself.
SWIFT_BUILD := env -u CC -u CXX swift build -c release --disable-local-rpath

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: build  ## train the article's CNN on handwritten digits and draw what it learned (DATA=path, OUT=file.png)
	$(BIN)/python Examples/python/train_digits.py $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)")

build: library venv  ## make the library, and an importable package in .venv

# strip FILE of what linking needed, not of the functions it exports.
STRIP = { strip --strip-unneeded $(1) || llvm-strip --strip-unneeded $(1) || llvm-objcopy --strip-unneeded $(1) || true; } 2>/dev/null

# Not copied again if nothing changed.
library:
	$(SWIFT_BUILD) --product swiftcnn
	@test $(LIBRARY) -nt .build/release/libswiftcnn.so || { \
	  mkdir -p $(dir $(LIBRARY)) && cp .build/release/libswiftcnn.so $(LIBRARY).new && \
	  $(call STRIP,$(LIBRARY).new) && mv $(LIBRARY).new $(LIBRARY); }

# Every module of Embedded Swift carries weak copies of the runtime's functions, compiled for its own instruction set, and the
# linker takes the first it sees: so baseline comes first, and what is wider last. The package manager would link by alphabet.
OBJECTS := .build-embedded/release/swiftcnn.product/Objects.LinkFileList
embedded:  ## build the library from the same sources as Embedded Swift: build/embedded, without the runtime
	@rm -f .build-embedded/libswiftcnn.so  # a build that is cut off leaves none that differs from its objects
	SWIFTCNN_EMBEDDED=1 $(SWIFT_BUILD) --product swiftcnn --scratch-path .build-embedded
	@mkdir -p build/embedded
	@{ grep KernelsBaseline $(OBJECTS); grep -v Kernels $(OBJECTS); grep KernelsAVX $(OBJECTS) || true; } > .build-embedded/objects
	clang -shared -fuse-ld=lld -o .build-embedded/libswiftcnn.so.new @.build-embedded/objects -lm -Wl,--gc-sections,--no-undefined \
	  -Wl,-soname=libswiftcnn.so,--version-script=Sources/CSwiftCNN/exports.map
	@mv .build-embedded/libswiftcnn.so.new .build-embedded/libswiftcnn.so
	@cp .build-embedded/libswiftcnn.so $(EMBEDDED).new && $(call STRIP,$(EMBEDDED).new) && mv $(EMBEDDED).new $(EMBEDDED)
	@echo "$(EMBEDDED): $$(($$(wc -c < $(EMBEDDED)) / 1024)) KiB"

venv: .venv/.ready
.venv/.ready: pyproject.toml Makefile
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv || { apt-get update && apt-get install -y python3-venv && $(PYTHON) -m venv .venv; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  "numpy>=1.24,<3" "pytest>=8,<10" "hypothesis>=6.100,<7" "ruff>=0.6,<1" "mypy>=1.10,<3" \
	  "scikit-learn>=1.3,<2" "matplotlib>=3.7,<4" "tqdm>=4.60,<5" "pillow>=10,<13" \
	  "safetensors>=0.4,<1" "tensorboardX>=2.6,<3" \
	  "scikit-build-core>=0.11,<1" "cmake>=3.20,<5"
	@# The second opinion on ONNX files; without a wheel for this machine its tests are skipped.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "onnx>=1.17" "onnxruntime>=1.20" || echo "without ONNX Runtime"
	@echo "$(CURDIR)/python" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/swiftcnn.pth"
	@touch $@

test: venv  ## build and run everything, for each instruction set the machine has; QUICK=1 for the inner loop
	QUICK=$(QUICK) Tests/run

# What `make test` runs too where .venv has PyTorch. Built for processors alone it is a tenth of the size.
ORACLE := .venv-oracle/bin/python
oracle: build .venv-oracle/.ready  ## compare layers, operators, losses, optimizers and models with PyTorch's (QUICK=1: fewer random cases)
	$(if $(QUICK),SWIFTCNN_QUICK=1) $(ORACLE) -m pytest -q $(wildcard Tests/python/test_torch_*.py)

.venv-oracle/.ready: Makefile
	$(PYTHON) -m venv .venv-oracle
	$(ORACLE) -m pip install --quiet --disable-pip-version-check "numpy>=1.24,<3" "pytest>=8,<10" "hypothesis>=6.100,<7"
	$(ORACLE) -m pip install --quiet --disable-pip-version-check "torch==2.13.0+cpu" || \
	  $(ORACLE) -m pip install --quiet --disable-pip-version-check "torch>=2.6"
	@touch $@

# Everything but the wider instruction sets is built once more, under the address sanitizer. Seeds are networks of ours, and models
# of ONNX's tests where onnx is there. CONFIGURATION=debug builds in half the time, and runs four times as long.
fuzz: CONFIGURATION := release
fuzz: venv  ## wrong model files through the loader under the address sanitizer (CASES=1000000, SEED=0, CONFIGURATION=release)
	SWIFTCNN_FUZZ=1 $(SWIFT_BUILD) -c $(CONFIGURATION) --product ModelFuzzer --sanitize=address --scratch-path .build-fuzz
	@$(BIN)/python Tests/Fuzz/seeds.py build/fuzz || echo "without seeds of onnx"
	.build-fuzz/$(CONFIGURATION)/ModelFuzzer $(or $(CASES),1000000) $(or $(SEED),0) $$(ls build/fuzz/*.onnx 2>/dev/null)

lint: venv  ## check format, style and types of Swift and Python sources
	swift format lint --strict --recursive Sources Tests Examples Package.swift
	$(BIN)/ruff check python Tests Examples Benchmarks
	$(BIN)/ruff format --check python Tests Examples Benchmarks
	$(BIN)/mypy --strict python/swiftcnn

format: venv  ## format Swift and Python sources
	swift format --in-place --recursive Sources Tests Examples Package.swift
	$(BIN)/ruff check --fix python Tests Examples Benchmarks
	$(BIN)/ruff format python Tests Examples Benchmarks

# With the tools that are in .venv already, so that nothing is fetched.
wheel: venv  ## make a wheel for any Python 3 of this platform, in DIST=dist
	$(BIN)/python -m pip wheel --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir "$(or $(DIST),dist)" .

# ROWS is a regular expression; PEERS and THREADS are lists with commas; QUICK=1 takes two minutes; AGAINST=commit compares with it.
BENCH := .venv-bench/bin/python
bench: build .venv-bench/.ready  ## time swiftcnn and its peers side by side (ROWS, PEERS, THREADS, OUT, QUICK=1, AGAINST=commit)
	$(BENCH) Benchmarks/export_models.py build/bench/models $(if $(QUICK)$(AGAINST),resnet18) || echo "without rows of files"
	$(BENCH) Benchmarks/$(if $(AGAINST),compare.py '$(AGAINST)',run.py $(if $(QUICK),--quick) $(if $(PEERS),--peers '$(PEERS)') \
	  $(if $(OUT),--out '$(OUT)')) $(if $(ROWS),--rows '$(ROWS)') $(if $(THREADS),--threads '$(THREADS)')

bench-layers: build  ## time the article's layers one by one against NumPy, and the convolution's tiles against the peak
	$(BIN)/python Benchmarks/layers_step.py --layers
	$(SWIFT_BUILD) --product TileBenchmark
	$(BIN)/python Benchmarks/tiles.py

bench-memory: build .venv-bench/.ready  ## peak memory of training and inference, beside PyTorch's
	$(BENCH) Benchmarks/memory.py

bench-growth: build  ## time over every size from 1 to 64, over batch, image, width and depth: a plot, and where it jumps
	$(BIN)/python Benchmarks/growth.py
	$(BIN)/python Benchmarks/growth.py --plot build/bench/growth.png

bench-document: venv  ## write what the three above left in build/bench into README.md and docs/
	$(BIN)/python Benchmarks/document.py

# PyTorch built for processors alone is a tenth of the size; where there is none, the ordinary one. A peer without a wheel is left out.
INSTALL := $(BENCH) -m pip install --quiet --disable-pip-version-check
.venv-bench/.ready: Makefile
	$(PYTHON) -m venv .venv-bench
	$(INSTALL) "numpy>=1.24,<3" "matplotlib>=3.7,<4"
	$(INSTALL) "torch==2.13.0+cpu" || $(INSTALL) "torch>=2.6"
	for peer in torchvision "onnx onnxscript onnxruntime" openvino jax "ncnn pnnx" MNN opencv-python-headless; do \
	  $(INSTALL) $$peer || echo "without $$peer"; done
	@touch $@

clean:  ## remove everything that was built
	rm -rf .build .build-embedded .build-fuzz .venv .venv-oracle .venv-bench build dist python/swiftcnn/lib
