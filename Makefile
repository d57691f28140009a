# `make run` runs the default experiment on this machine; `make test` sets up and passes all tests.
# Both need root and Python 3.11. What is already done is skipped.
.DELETE_ON_ERROR:
.PHONY: run test fleet lint calibrate lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header pyproject.toml

run: $(VENV)/run.stamp
	$(BIN)/kvmlab run

test: $(VENV)/test.stamp
	$(BIN)/ansible-playbook -i playbooks/inventory/local.yml playbooks/develop.yml
	$(BIN)/pytest --numprocesses=logical --maxprocesses=4 --no-loadscope-reorder

# Hosts of four architectures on this machine, emulated, with KVM inside: built once, then booted.
fleet: $(VENV)/run.stamp
	$(BIN)/ansible-playbook -i playbooks/inventory/local.yml playbooks/fleet.yml
	$(BIN)/kvmlab fleet up emu

# The linters alone; `make test` runs them too (tests/test_lint.py).
lint: $(VENV)/test.stamp
	$(BIN)/pytest tests/test_lint.py

# How often verdicts are right, by simulation: results/calibration.md and its picture, in minutes.
calibrate: $(VENV)/test.stamp
	$(BIN)/python -m tests.benchmarks.calibrate

# Debian splits venv off Python; this one package cannot come by the lab's playbook.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) is older than 3.11: set PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ apt-get update -q && apt-get install -qy --no-install-recommends python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python requirements.lock pyproject.toml
	$(BIN)/pip install -q --require-hashes -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp requirements-test.lock
	$(BIN)/pip install -q --require-hashes -r requirements-test.lock
	touch $@

# Pin what pyproject.toml asks for, with hashes; to be run when it changes.
lock: $(BIN)/python
	$(BIN)/pip install -q pip-tools
	# The tests ask for the most: what suits them suits a run, not the other way round.
	$(COMPILE) --extra test -o requirements-test.lock
	$(COMPILE) --extra build -c requirements-test.lock -o requirements.lock

clean:
	rm -rf $(VENV) .cache *.egg-info
