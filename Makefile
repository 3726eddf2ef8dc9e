# make run    start everything on http://127.0.0.1:8000 (PORT, PORTAL_HOME), with demo accounts; DEMO=0: empty
# make test   all tests but the thorough ones (mutants, killed workers); THOROUGH=1: those too
# make prove  every proof of docs/reliability.md at full size, some hours, and that page anew; SEED=…: by one seed;
#             ONLY=tests/faults/test_racers.py: only those, what the others have found stays
# make check  format, lint, types, import contract
# make audit  the code by bandit, the packages by pip-audit; says so where the advisory source cannot be reached
# make conformance CASES=…  run folders of the public kit for decision tables (NAMED: so many may use what is not built; 3)
# make messages  bring the texts of the pages into the English catalogue
# make clean  remove what can be made again; the data in PORTAL_HOME stay
#
# Each does its own set-up, from a bare checkout with Python 3.11 or newer.

.PHONY: run test prove check conformance clean chromium assets messages
.NOTPARALLEL:

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq
# A virtual environment only works where it was made.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
RUN := $(VENV)/.run-$(HERE)
TEST := $(VENV)/.test-$(HERE)
TEXTS := portal/web/translations
# Many tests wait for a browser or a worker: one more at a time than there are cores keeps those busy.
AT_ONCE = $$($(PY) -c "import os; print(min(4, (os.cpu_count() or 1) + 1))")
export PORT ?= 8000
export PORTAL_HOME ?= $(CURDIR)/.portal

run: $(RUN) assets
	@PORTAL_DEMO=$${PORTAL_DEMO:-$${DEMO:-1}} exec $(PY) -m portal run

test: $(TEST) assets chromium
	@$(PY) -m pytest --numprocesses $(AT_ONCE) --dist loadfile --no-loadscope-reorder

# One at a time: what is measured is disturbed by nothing else.
PROVED := $(VENV)/proved.jsonl
ONLY ?= tests/faults tests/security tests/api tests/features/test_random_acts.py
prove: $(TEST) assets chromium
	@rm -f $(PROVED); touch $(PROVED)
	@told=0; PROVE=$(CURDIR)/$(PROVED) THOROUGH=1 $(PY) -m pytest -n0 $(ONLY) || told=$$?; \
	$(PY) -m bench.reliability $(PROVED) || told=1; exit $$told

check: $(TEST)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

audit: $(TEST)
	$(VENV)/bin/bandit -q -c pyproject.toml -r portal .ci/audit
	@$(PY) .ci/audit

# The kit is not part of the repository; it may lie beside it.
CASES ?= $(wildcard ../shared/conformance)
conformance: $(TEST)
	@test -n "$(CASES)" || { echo "conformance: no cases here; give a folder: make conformance CASES=…"; exit 1; }
	@$(PY) -m tests.conformance.kit "$(CASES)" $(NAMED)

assets:
	@$(PY) -I portal/web/assets.py

# New texts come in with an empty translation, those no longer used go; docs/how-to/translate.md.
messages: $(TEST)
	@$(VENV)/bin/pybabel -q extract -F $(TEXTS)/babel.cfg --add-location=file --sort-by-file --omit-header \
	  -o $(VENV)/messages.pot portal/web
	@$(VENV)/bin/pybabel -q update -i $(VENV)/messages.pot -o $(TEXTS)/en/LC_MESSAGES/messages.po -l en \
	  --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap

clean:
	rm -rf $(VENV) frontend/node_modules portal/web/static/dist dist .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.portal/*' -prune -exec rm -rf {} +

# The newest set-up counts: requirements/test.txt holds all of requirements/run.txt, in the same versions.
$(RUN): requirements/run.txt pyproject.toml | $(VENV)/.made-$(HERE)
	@test -e $(TEST) || $(MAKE) --no-print-directory packages LIST=requirements/run.txt
	@touch $@

$(TEST): requirements/test.txt pyproject.toml | $(VENV)/.made-$(HERE)
	@$(MAKE) --no-print-directory packages LIST=requirements/test.txt
	@touch $@ $(RUN)

.PHONY: packages
packages:
	@echo "set-up: installing the packages of $(LIST) (a few minutes the first time) …"
	@$(PIP) install --require-hashes -r $(LIST)
	@PORTAL_SKIP_ASSETS=1 $(PIP) install --no-deps --no-build-isolation --editable .
	@echo "set-up: packages are there"

$(VENV)/.made-$(HERE):
	@sh .ci/make-venv $(VENV)
	@touch $@

# Browser tests run in the machine's own Chromium; without one they are skipped, and say so.
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "set-up: installing Chromium …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium fonts-noto-cjk >/dev/null && exit 0; \
	fi; \
	echo "set-up: NO CHROMIUM on this machine: browser tests are skipped. Install it with: apt-get install chromium"
