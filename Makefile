# Counterpart: make run | test | lint | bench | portal
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: help setup run test check lint format bench benchmark evaluate fuzz soak portal clean

VENV := .venv
BIN := $(VENV)/bin
# The first Python that will do.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$p && break; done)
# What is required is listed whole and pinned: nothing is to be resolved. A file is compiled when it
# is first imported, and most never are. uv unpacks in a tenth of pip's time. It does not know pip's
# settings: where these name another index, or uv cannot get at the packages, pip installs them.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
UV := ! $(BIN)/python -m pip config list | grep -qE '[.](index-url|no-index)=' \
	&& $(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python
DISK_MB := 4000
# Processes that run tests at once: on two cores four, for many tests wait.
JOBS ?= 4

help:  ## show this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(BIN)/.installed static/vendor/.installed .static/.collected  ## install everything, start nothing

run: setup  ## run everything on http://127.0.0.1:8000 until Ctrl-C (PORT, TOM_HOME, DEMO=0)
	@exec $(BIN)/python manage.py up $(if $(filter 0,$(DEMO)),--no-demo)

portal: setup  ## run a real OCS portal here, and point the LCO facility at it
	@exec $(BIN)/python manage.py portal

# What is installed last waits for others' answers: meanwhile the tests' tables are made. The checks
# take a processor for a minute, the tests both: they run beside each other. The checks step back,
# and take what the tests leave while they wait.
test: $(BIN)/.installed  ## every check and every test
	@$(BIN)/python -m tests.homes >$(VENV)/tables.log 2>&1 &
	$(MAKE) --no-print-directory -j2 setup $(BIN)/.installed-dev
	nice -n 10 $(MAKE) --no-print-directory check >$(VENV)/check.log 2>&1 &
	check=$$!
	trap 'kill $$check 2>/dev/null || true' EXIT
	# Many processes would each compile what none has compiled yet.
	if [ ! -e $(VENV)/.compiled ]; then
		$(BIN)/python -m pytest --collect-only -q -p tests.compiling >$(VENV)/compile.log 2>&1 \
			|| [ $$? != 5 ] || touch $(VENV)/.compiled  # 5: there is no test
	fi
	tests=($(BIN)/python -m pytest --dist loadgroup -m "not soak")
	rm -f .pytest_cache/failed
	status=0
	"$${tests[@]}" -n $(JOBS) || status=$$?
	if [ $$status = 1 ] && [ -e .pytest_cache/failed ]; then
		echo "counterpart: what failed beside other tests runs once more, alone"
		status=0
		"$${tests[@]}" -n 1 -x @.pytest_cache/failed || status=$$?
	fi
	wait $$check || { cat $(VENV)/check.log; status=1; }
	exit $$status

check: $(BIN)/.installed-dev  ## format, lint, types, imports, templates, migrations, deployment
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	git ls-files -z -- 'templates/*.html' | xargs -0 $(BIN)/djade --check --target-version 5.2
	DATABASE_URL=postgres://tom@localhost/tom BROKER_URL=redis://localhost/0 ALLOWED_HOSTS=tom.example.org \
		SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		$(BIN)/python -W "ignore:Got an error checking:RuntimeWarning" -m tests.django_checks

lint: $(BIN)/.installed-dev  ## format and lint what is here
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	git ls-files -z -- 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2

bench: setup $(BIN)/.installed-dev  ## measure speed; prints JSON
	@$(BIN)/python -m tests.bench

benchmark: setup $(BIN)/.installed-dev  ## rank hard nights beside rivals (SIZE, NIGHTS, FIRST); prints JSON
	@$(BIN)/python -m tests.evaluation.benchmark --size $(or $(SIZE),small) --nights $(or $(NIGHTS),6) \
		--first $(or $(FIRST),9001)

fuzz: setup $(BIN)/.installed-dev  ## send 100,000 damaged messages through every parser; prints JSON
	@$(BIN)/python -m tests.fuzz

soak: setup $(BIN)/.installed-dev  ## kill every part while the demonstration night loads, while 20,000 messages come, while classes go out
	@$(BIN)/python -m tests.recovery.soak
	$(BIN)/python -m tests.recovery.storm $(KILLS) $(MESSAGES) $(SEED)
	$(BIN)/python -m tests.recovery.classes
	$(BIN)/python -m tests.recovery.memory $(ALERTS)
	$(BIN)/python -m tests.recovery.million $(PACKETS)
	$(BIN)/python -m tests.recovery.first_day $(MINUTES)
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -m pytest -m "hypothesis and not soak" --hypothesis-profile many

evaluate: $(BIN)/.installed-dev  ## fit the scorers again, measure the kept fit (TOM_REAL_DATA), rank the hosts of 200 mergers, and three nights; FLEET=WHEEL: its table
	@data=$${TOM_REAL_DATA:-../shared/data}
	# As on the site: threads that wait for one another while others have the processors turn in vain.
	export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
	$(BIN)/python -m ml_plugins.fast_transient.training.train "$$data" "$$(mktemp)"
	$(BIN)/python -m ml_plugins.fast_transient.training.evaluate "$$data"
	typed() {
		$(BIN)/python manage.py evaluate ml_plugins.sn_type.SnType --lightcurves "$$data/ml/$$1_lc.parquet" \
			--labels "$$data/ml/$$1_meta.parquet" --split "$$2"
	}
	typed ztf_bts object
	typed ztf_bts time
	typed yse_dr1 shipped
	$(BIN)/python -m tests.evaluation.scorers "$$data"
	if [ -n "$(FLEET)" ]; then
		$(BIN)/python -m tests.evaluation.fleet_table "$(FLEET)"
		$(BIN)/python -m tests.evaluation.fleet_hosts "$$data" "$(FLEET)"
		$(BIN)/python -m tests.evaluation.slsn_folds "$$data" "$(FLEET)"
	fi
	$(BIN)/python -m tests.evaluation.galaxy_ranks
	$(BIN)/python -m tests.evaluation.night_hours --seeds 3 | tail -1

lock: $(BIN)/.installed-dev  ## compile the pinned requirements from pyproject.toml
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header --group dev pyproject.toml \
		-c requirements.txt -o requirements-dev.txt

clean:  ## remove what was installed; the data in TOM_HOME stays
	@rm -rf $(VENV) static/vendor .static

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Counterpart wants Python 3.11 or 3.12 with venv: install one" >&2; exit 1; fi
	free=$$(df -Pm . | awk 'NR==2 {print $$4}')
	if [ "$$free" -lt $(DISK_MB) ]; then echo "too little disk: $$free MB free, $(DISK_MB) MB needed" >&2; exit 1; fi
	echo "counterpart: making the virtual environment"
	$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); \
		echo "cannot make a virtual environment: install venv (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(BIN)/.installed: requirements.txt requirements-data.txt | $(BIN)/python
	@echo "counterpart: installing the requirements (a minute with a warm package cache)"
	from=(-r requirements.txt -r requirements-data.txt)
	{ $(PIP) "$$(grep ^uv== requirements-dev.txt)" && $(UV) "$${from[@]}" || $(PIP) "$${from[@]}"; } \
		>$(VENV)/install.log 2>&1 || { \
		echo "cannot install the requirements: $$(grep -E 'ERROR|error:' $(VENV)/install.log | head -1) (see $(VENV)/install.log)" >&2; exit 1; }
	touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@echo "counterpart: installing what the tests need"
	{ $(UV) -r requirements-dev.txt || $(PIP) -r requirements-dev.txt; } >$(VENV)/install-dev.log 2>&1 || { \
		echo "cannot install what the tests need: $$(grep -E 'ERROR|error:' $(VENV)/install-dev.log | head -1) (see $(VENV)/install-dev.log)" >&2; exit 1; }
	touch $@

static/vendor/.installed: package-lock.json tom/embedded/frontend.py $(BIN)/.installed
	@echo "counterpart: installing the front-end packages"
	$(BIN)/python -m tom.embedded.frontend
	touch $@

# Nothing is cleared: a site that runs goes on serving the files that it knows.
.static/.collected: static/vendor/.installed $(wildcard static/*/*.css static/*/*.js static/*/*.svg)
	@$(BIN)/python manage.py collectstatic --noinput -v 0 >/dev/null
	touch $@
