# The commands of learndyn. Each sets up what it needs in .venv, once: Python 3.11 or later and make are enough.

VENV := .venv
PY := $(VENV)/bin/python
PYTEST_ARGS ?=

# The first Python that is new enough and can make a virtual environment.
new_enough := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
isolated := import sys; sys.exit(sys.version_info < (3, 11) or sys.prefix == sys.base_prefix)
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	if "$$p" -c '$(new_enough)' >/dev/null 2>&1; then echo "$$p"; break; fi; done)

# numba looks only at a kernel's own file when it decides whether what it has on disk is current. A cache
# directory named after all sources cannot hold an old kernel.
src_hash := import hashlib, pathlib; \
	paths = sorted(pathlib.Path("src").rglob("*.py")); \
	data = b"".join(p.as_posix().encode() + b"\n" + p.read_bytes() for p in paths); \
	print(hashlib.sha256(data).hexdigest()[:16])

# Build requirements escape `-c`, so the build backend is installed first, pinned, and the isolation is off.
PIP := $(PY) -m pip --require-virtualenv --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --no-warn-script-location -c constraints.txt
BUILD := hatchling editables

.PHONY: help demo test thorough lint docs release bench clean
.NOTPARALLEL:
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## */\1	/p' Makefile | while IFS='	' read -r name what; do \
		printf '  make %-9s %s\n' "$$name" "$$what"; done

demo: $(VENV)/.stamp-run  ## a network learns: theory, simulation, numbers and a picture
	@mkdir -p build
	@$(PY) -m learndyn run examples/demo.toml --plot build/demo.png -o build/demo.nc
	@echo "The picture is $(CURDIR)/build/demo.png, its numbers are $(CURDIR)/build/demo.nc"
	@echo "For the command learndyn: . $(VENV)/bin/activate   For the explorer in the browser: pip install '.[explore]'"

test: lint  ## the linters, then all tests; PYTEST_ARGS="-k erf" for some of them
	@NUMBA_CACHE_DIR="$(CURDIR)/build/numba-$$($(PY) -c '$(src_hash)')" \
		$(PY) -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

thorough:  ## all tests, with the long cases that quick ones stand for (a quarter of an hour)
	@$(MAKE) --no-print-directory test PYTEST_ARGS="--thorough $(PYTEST_ARGS)"

lint: $(VENV)/.stamp-dev  ## style, types and the direction of imports
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/basedpyright --pythonpath $(PY)
	$(VENV)/bin/lint-imports

docs: $(VENV)/.stamp-docs  ## the documentation with its gallery; a warning is an error (minutes, the first time)
	@echo "Building the documentation; the gallery takes some minutes the first time ..."
	@# No -j: Sphinx would fork, after the gallery has started the threads of JAX.
	@$(PY) -m sphinx -b html -W --keep-going -q docs build/docs/html
	@echo "The documentation is $(CURDIR)/build/docs/html/index.html"

release: $(VENV)/.stamp-dev  ## sdist and wheel in dist/, each tried in an empty environment of every Python that is here
	@$(PY) scripts/check_release.py $(RELEASE_ARGS)

bench: $(VENV)/.stamp-dev  ## the table of timings, with ratios measured in one run
	@$(PY) benchmarks/run.py

clean:  ## remove what the commands made; .venv stays (to begin anew, remove it by hand)
	rm -rf docs/_generated docs/api/generated docs/auto_gallery
	rm -rf build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# A stamp is written only when its installation has succeeded: an interrupted one is taken up again.

$(VENV)/.stamp-run: pyproject.toml constraints.txt
	@$(make_venv)
	@echo "Installing learndyn and its run-time packages into $(VENV) (once; about a minute) ..."
	@$(INSTALL) $(BUILD)
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt
	@$(make_venv)
	@echo "Installing learndyn, its run-time and its development packages into $(VENV) (once; about a minute) ..."
	@$(INSTALL) $(BUILD)
	@$(INSTALL) --no-build-isolation -e '.[dev]'
	@touch $(VENV)/.stamp-run $@

$(VENV)/.stamp-docs: pyproject.toml constraints.txt
	@$(make_venv)
	@echo "Installing learndyn and the packages that build its documentation into $(VENV) (once; about a minute) ..."
	@$(INSTALL) $(BUILD)
	@$(INSTALL) --no-build-isolation -e '.[docs]'
	@touch $(VENV)/.stamp-run $@

# A virtual environment that was left half-made, or whose Python is gone or too old, is made anew.
define make_venv
	if ! { $(PY) -c '$(isolated)' && $(PY) -m pip --version; } >/dev/null 2>&1; then \
		if ! "$(PYTHON)" -c '$(new_enough)' >/dev/null 2>&1; then \
			echo "learndyn needs Python 3.11 or later with venv and pip, but none was found: install it (on Debian and Ubuntu: python3 and python3-venv), or name it, as in: make test PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		echo "Making a virtual environment in $(VENV) with $$("$(PYTHON)" --version) ..."; \
		"$(PYTHON)" -m venv --clear $(VENV); \
	fi
endef
