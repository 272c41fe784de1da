# Copyright (c) 2026 The mailfleet.postfix authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Byte code is worth having: without it every start of Ansible takes twice as long. The rest would lead Python astray.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

empty :=
space := $(empty) $(empty)
VENV := $(CURDIR)/.venv
TREE := $(VENV)/collections
OURS := ansible_collections/mailfleet/postfix
# Real interpreters before pyenv's shims: ansible-test cleans the environment, and a shim does not work without it.
PYENV_ROOT ?= $(HOME)/.pyenv
export PATH := $(subst $(space),:,$(VENV)/bin $(wildcard $(PYENV_ROOT)/versions/3.*/bin)):$(PATH)

JUNIT = --junitxml=tests/output/junit/$@.xml
PYTEST := python -m pytest -q
LAB := tests/lab/mailfleet-lab
SUITES := bookworm trixie
RELEASES := bullseye bookworm trixie forky
# Postfix built from source, in the layout of Enterprise Linux and below /usr/local; SOURCE=DIRECTORY takes the sources there, of any version.
BUILDS := bookworm_el trixie_local
ifneq ($(SOURCE),)
export MAILFLEET_LAB_SOURCE := $(SOURCE)
endif
PAIRS ?= 2000
CASES ?= 1000
SEED ?= 1
EDITS ?= 20
PLANS ?= 12
RESTARTS ?= 3
SHARE ?= 1

# What is generated in make test is always the same; in make nightly it comes from a seed that nobody has chosen, unless SEED= does.
SEEDS := 1 77 78 79 80
FRESH := $(if $(filter file,$(origin SEED)),$(shell shuf --input-range=100-99999999 --head-count=1),$(SEED))
SIGNALS ?= 6
CORES ?= 2.16 2.21

# What `make test` does: what takes both processors; along with it, in two lanes, what mostly waits or has one of them only; at the end,
# when nothing else runs, what measures durations.
STEPS := unit-chosen unit-oldest crash-chosen integration-chosen molecule-chosen
WAITING := lint docs lab-tests ansible-lint package-chosen browser generated-chosen examples-chosen
ALONE := durations interruption-chosen

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

.PHONY: test
test: ## all tests, from a fresh machine on; what fails is told at the end and keeps no other from running (root)
	@tests/toolchain/needs.sh test
	@tests/toolchain/bootstrap.sh
	@MAKE='$(MAKE)' python tests/toolchain/steps.py --along "$(WAITING)" --along sanity-chosen $(ALONE:%=--alone=%) $(STEPS)

.PHONY: demo
demo: ## the main job on a real, throw-away Postfix host, step by step (root)
	@tests/toolchain/needs.sh demo
	@tests/toolchain/bootstrap.sh
	@tests/demo/run.sh

.PHONY: venv
venv: ## .venv with the pinned tools; every target below makes it by itself
	@tests/toolchain/bootstrap.sh

.PHONY: lint
lint: venv ## ruff, yamllint, codespell, shellcheck, vermin (Python 3.7), mypy --strict, reuse
	ruff check .
	ruff format --check .
	yamllint --strict .
	codespell
	git ls-files -z --cached --others --exclude-standard | xargs -0 grep -lIE '^#!.*\<(ba)?sh\>' | xargs shellcheck --external-sources
	vermin --no-tips --target=3.7- --violations plugins/module_utils plugins/modules
	cd $(TREE) && mypy --config-file $(CURDIR)/mypy.ini --cache-dir $(CURDIR)/.mypy_cache $(OURS)/plugins
	reuse lint --quiet || reuse lint

.PHONY: format
format: venv ## put imports and layout of all Python files in order
	ruff check --select I --fix .
	ruff format .

.PHONY: docs
docs: venv ## changelog fragments, and the documentation of plugins and roles
	antsibull-changelog lint
	antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self .

UNIT = $(PYTEST) $(JUNIT) --numprocesses=4 tests/unit tests/toolchain
.PHONY: unit
unit: venv ## unit tests, and those of the steps of make test
	$(UNIT) -m "not duration"

# What `make test` has of it: not the two that play with hundreds of hosts.
.PHONY: unit-chosen
unit-chosen: venv
	$(UNIT) -m "not duration and not dear"

.PHONY: durations
durations: venv ## the unit tests that measure how long something takes; on a machine that does nothing else
	$(PYTEST) $(JUNIT) --numprocesses=2 -m duration tests/unit

.PHONY: coverage
coverage: venv ## the branches of the core that the unit tests take, at least 95 %, and which ones they leave (root)
	tests/coverage/run.sh $(JUNIT)

.PHONY: mutation
mutation: venv ## the rules with one thing changed, against their tests (SHARE=0.1 for some, ONLY=listeners, SEED=)
	python -m tests.mutation --share $(SHARE) --seed $(FRESH) $(if $(ONLY),--only $(ONLY))

.PHONY: unit-oldest
unit-oldest: venv ## the core's unit tests on the oldest Python from 3.7 on that is here
	tests/toolchain/oldest.sh $(JUNIT)

.PHONY: browser
browser: venv ## the pages of reports and the drawings in a headless Chromium (root; Debian's package is installed)
	@tests/report/install.sh
	$(PYTEST) $(JUNIT) -m "not site" tests/report

.PHONY: docsite
docsite: venv ## the documentation as a site, in build/docsite
	python tests/docsite/build.py build/docsite

.PHONY: site
site: venv ## the same, its links, and its pages in a headless Chromium (root)
	@tests/report/install.sh
	$(PYTEST) $(JUNIT) -m site tests/report

PACKAGE = $(PYTEST) $(JUNIT) --ignore=tests/package/test_release.py tests/package
.PHONY: package
package: venv ## the archive: what is in it, and whether it installs and documents itself offline
	$(PACKAGE)

# What `make test` has of it: not ansible-lint of all examples.
.PHONY: package-chosen
package-chosen: venv
	$(PACKAGE) -m "not dear"

.PHONY: ansible-lint
ansible-lint: venv ## ansible-lint, production profile
	ANSIBLE_COLLECTIONS_PATH=$(TREE) ansible-lint --strict

.PHONY: sanity
sanity: venv ## ansible-test sanity on the oldest and newest ansible-core that the Pythons here can run; EVERY=yes on each
	MAILFLEET_EVERY_CORE=$(EVERY) tests/toolchain/sanity.sh

# What `make test` has of it: what takes most of the time (DEAR in noxfile.py) on the newest ansible-core only, and pylint of the plugins.
.PHONY: sanity-chosen
sanity-chosen: export MAILFLEET_CHOSEN := yes
sanity-chosen: sanity

# The Debian releases of hosts that have something added, such as bookworm of bookworm_el.
BASES = $(sort $(foreach suite,$(SUITES),$(firstword $(subst _, ,$(suite)))))

# The images that the test hosts are made of; kept outside of the checkout, in /var/cache.
.PHONY: images
images: venv
	@tests/toolchain/needs.sh $(or $(MAKECMDGOALS),test)
	@$(LAB) install
	$(LAB) image $(sort $(BASES) $(SUITES))

# The same with what else starts and supervises services in Debian.
.PHONY: supervisor-images
supervisor-images: images
	$(LAB) image $(BASES:%=%_supervisors)

.PHONY: lab-tests
lab-tests: images ## the lab's own tests: do its hosts come up as real mail hosts, and go without a trace (root)
	$(PYTEST) $(JUNIT) tests/lab

INTERRUPTION := tests/integration/test_least_interruption.py
TWELVE := tests/integration/test_twelve_hosts.py
GENERATED = MAILFLEET_EDITS=$(EDITS) MAILFLEET_SIGNALS=$(SIGNALS) MAILFLEET_SEED=$(SEED) MAILFLEET_EDIT="$(EDIT)" \
    MAILFLEET_PLANS=$(PLANS) MAILFLEET_PLAN="$(PLAN)"
INTEGRATION = MAILFLEET_SUITES="$(SUITES)" $(GENERATED) $(LAB) session $(PYTEST) $(JUNIT) --numprocesses=8 \
    --ignore=$(INTERRUPTION) --ignore=$(TWELVE) tests/integration
.PHONY: integration
integration: supervisor-images ## the collection on real hosts of the lab (root; SUITES="bullseye forky", SIGNALS=200, SEED=)
	$(INTEGRATION)

# Of a Postfix from source: what starts, stops and goes back, which depends on units and directories.
CORE := $(addprefix tests/integration/test_,converge.py actions.py failures.py instances.py unfamiliar.py unit.py)
.PHONY: integration-core
integration-core: SUITES := $(BUILDS)
integration-core: images ## its core on hosts with Postfix from source, as on Enterprise Linux and below /usr/local (root; SUITES=, SOURCE=)
	MAILFLEET_SUITES="$(SUITES)" $(LAB) session $(PYTEST) $(JUNIT) --numprocesses=8 $(CORE)

.PHONY: edits
edits: images ## random edits of random hosts alone: check mode against the run (root; EDITS=75 a release, SEED=, EDIT="1/17 77/3")
	MAILFLEET_SUITES="$(SUITES)" $(GENERATED) $(LAB) session $(PYTEST) -s $(JUNIT) tests/integration/test_edits.py

.PHONY: plans
plans: images ## random changes of an inventory alone: the plan against what converge does (root; PLANS=60 a release, SEED=, PLAN="1/17")
	MAILFLEET_SUITES="$(SUITES)" $(GENERATED) $(LAB) session $(PYTEST) -s $(JUNIT) tests/integration/test_plans.py

INTERRUPT = MAILFLEET_SUITES="$(SUITES)" MAILFLEET_RESTARTS=$(RESTARTS) $(LAB) session $(PYTEST) -rP $(JUNIT) $(INTERRUPTION)
.PHONY: interruption
interruption: images ## who is refused or waits while Postfix restarts; on a machine that does nothing else (root; SUITES=, RESTARTS=20)
	$(INTERRUPT)

.PHONY: twelve
twelve: images ## a rollout over twelve hosts through all that goes wrong, by the oldest and the newest ansible-core (root; CORES=)
	MAILFLEET_CORES="$$(tests/toolchain/core.sh $(CORES))" MAILFLEET_SUITES="$(SUITES)" $(LAB) session $(PYTEST) $(JUNIT) $(TWELVE)

# What `make test` has of these: examples in check mode, and each test on one of the releases, in turns.
.PHONY: examples-chosen integration-chosen interruption-chosen
examples-chosen integration-chosen interruption-chosen: export MAILFLEET_CHOSEN := yes
integration-chosen: EDITS := 4
integration-chosen: PLANS := 2
integration-chosen: SIGNALS := 3
integration-chosen: supervisor-images
	$(INTEGRATION)
interruption-chosen: images
	$(INTERRUPT)
examples-chosen: images
	$(CARRY_OUT)

CRASH = $(PYTEST) $(JUNIT) --numprocesses=3 tests/crash
.PHONY: crash
crash: images ## the writer of both files killed at each of its system calls, and before all kinds of obstacles (root)
	$(CRASH)

# What `make test` has of it: kills at the calls that write, and each third one of those that fail.
.PHONY: crash-chosen
crash-chosen: export MAILFLEET_CHOSEN := yes
crash-chosen: images
	$(CRASH)

SCENARIOS = $(LAB) session python -m tests.compatibility.scenarios
# SCENARIO=vip RELEASE=bullseye tells which; without them all of them, on each release.
.PHONY: molecule
molecule: SUITES := $(or $(RELEASE),$(RELEASES))
molecule: images ## real-life layouts, proven with mail, on hosts of the lab (root; SCENARIO=vip RELEASE=bullseye runs one)
	failed=; for release in $(SUITES); do $(SCENARIOS) $$release $(SCENARIO) || failed=yes; done; [ -z "$$failed" ]

# What `make test` has of it: each scenario once, on one release or the other; three at a time, the long ones first. Their rooms end with them.
CHOSEN := vip@trixie rollout@bookworm renumbering@bookworm multihomed_firewall@bookworm nat_proxy@bookworm virtual_hosting@trixie \
    ad_hoc@trixie upgrade@trixie transports@trixie null_client@bookworm default@trixie
.PHONY: molecule-chosen $(CHOSEN)
molecule-chosen: images
	$(MAKE) --keep-going --jobs=3 --output-sync=target $(CHOSEN)
$(CHOSEN): # in a directory of its own, as what molecule keeps of a scenario would say next time that its hosts are there
	export MOLECULE_EPHEMERAL_DIRECTORY=$$(mktemp -d); trap 'rm -rf "$$MOLECULE_EPHEMERAL_DIRECTORY"' EXIT; \
	$(SCENARIOS) --destroy=never $(lastword $(subst @, ,$@)) $(firstword $(subst @, ,$@))

CARRY_OUT = MAILFLEET_SUITES="$(SUITES)" $(LAB) session $(PYTEST) $(JUNIT) tests/examples
.PHONY: examples
examples: images ## the examples of all pages and plugins, each carried out or proven where it is told (root)
	$(CARRY_OUT)

.PHONY: transcripts
transcripts: images ## what README.md and docs/first_ten_minutes.md show of a terminal, anew, from a real run on a host of the lab (root)
	$(LAB) session python tests/examples/transcripts.py $(lastword $(SUITES))

.PHONY: bench
bench: venv ## how long files and filters take, against what was promised
	PYTHONPATH=$(TREE) python -m tests.bench.files
	PYTHONPATH=$(TREE) python -m tests.bench.fleet

.PHONY: bench-apply
bench-apply: images ## what modules cost on hosts that are in sync, against ping over ssh (root)
	$(LAB) session python tests/bench/in_sync.py $(SUITES)

.PHONY: bench-fleet
bench-fleet: images ## what the role and the modules cost on 16 real hosts, against the usual idiom and ping over ssh (root)
	$(LAB) session python tests/bench/real_hosts.py $(SUITES)

.PHONY: bench-rollout
bench-rollout: venv ## what converge and audit cost the control node a host, in a fleet and in one ten times as large (HOSTS=1000)
	HOSTS=$(or $(HOSTS),1000) PYTHONPATH=$(TREE) python -m tests.bench.rollout

.PHONY: bench-plan
bench-plan: venv ## what a plan takes for 1,000 and for 10,000 hosts on one core, and what memory
	PYTHONPATH=$(TREE) python -m tests.bench.plan

# What follows asks the Postfix of whole trees, without starting a host.
TREES = $$($(LAB) image $(SUITES) | paste -d= <(printf '%s\n' $(SUITES)) - | sed 's/^/--tree /')

DIFFERENTIAL = PYTHONPATH=$(TREE) python -m tests.differential --seed $(SEED) --pairs
.PHONY: differential
differential: SUITES := $(if $(SOURCE),bookworm_el,$(RELEASES))
differential: images ## our reading and editing of generated files against the real postconf's (root; PAIRS=, SEED=, SUITES=, SOURCE=)
	$(DIFFERENTIAL) $(PAIRS) $(TREES)

# ROOT=DIRECTORY takes another tree with a Postfix instead, such as a vendor's.
CONFORMANCE = PYTHONPATH=$(TREE) python -m tests.conformance --seed $(SEED) --cases
.PHONY: conformance
conformance: SUITES := $(if $(SOURCE),bookworm_el,$(RELEASES))
conformance: $(if $(ROOT),venv,images) ## what we say of generated configurations against what a real Postfix does (root; CASES=, SEED=, ONLY=, SUITES=, SOURCE=, ROOT=)
	$(CONFORMANCE) $(CASES) $(if $(ROOT),--tree ROOT=$(ROOT),--junit tests/output/junit/$@.xml $(TREES)) $(if $(ONLY),--only $(ONLY))

.PHONY: tables
tables: SUITES := $(if $(SOURCE),bookworm_el,$(RELEASES))
tables: $(if $(ROOT),venv,images) ## what a Postfix has that our tables lack, such as a newer one (root; SUITES=, SOURCE=, ROOT=)
	PYTHONPATH=$(TREE) python -m tests.tables $(if $(ROOT),--tree ROOT=$(ROOT),$(TREES))

# What `make test` has of these two, both at the same time.
.PHONY: generated-chosen differential-chosen conformance-chosen
generated-chosen: images
	$(MAKE) --keep-going --jobs=2 --output-sync=target conformance-chosen differential-chosen tables SUITES="$(SUITES)"
differential-chosen conformance-chosen: SEED := $(SEEDS)
differential-chosen: images
	$(DIFFERENTIAL) 5 $(TREES)
conformance-chosen: images
	$(CONFORMANCE) 5 --every 5 --junit tests/output/junit/$@.xml $(TREES)

.PHONY: nightly
nightly: ## all that make test has a share of, at full size on each release (root; hours; SEED= repeats one)
	@echo "===== nightly: what is generated comes from SEED=$(FRESH)"
	failed=; \
	$(MAKE) --keep-going differential conformance tables SUITES="$(BUILDS)" SEED=$(FRESH) || failed=yes; \
	$(MAKE) --keep-going unit package coverage mutation SEED=$(FRESH) || failed=yes; \
	$(MAKE) --keep-going integration-core SUITES="$(BUILDS)" || failed=yes; \
	$(MAKE) --keep-going sanity galaxy site differential conformance tables crash examples integration twelve molecule interruption \
	    EVERY=yes SUITES="$(RELEASES)" RESTARTS=20 SIGNALS=200 EDITS=75 PLANS=60 SEED=$(FRESH) || failed=yes; \
	[ -z "$$failed" ] || { echo "===== to repeat: SEED=$(FRESH)"; exit 1; }

.PHONY: compatibility
compatibility: venv ## what README.md says was tested, and docs/platforms.md, anew, from what tests have left in tests/output/junit
	PYTHONPATH=$(TREE) python -m tests.compatibility

.PHONY: archive
archive: venv ## build/mailfleet-postfix-VERSION.tar.gz of the last commit, as it goes to Galaxy
	@mkdir -p build
	python tests/toolchain/archive.py build

.PHONY: galaxy
galaxy: venv ## what Galaxy says of that archive when it is uploaded, by galaxy-importer; and a release in a clone
	$(PYTEST) $(JUNIT) tests/package/test_release.py
	@mkdir -p build
	tests/toolchain/galaxy.sh $$(python tests/toolchain/archive.py build)

.PHONY: release
release: venv ## make a release here, offline: changelog, version, archive, galaxy-importer, commit, tag (VERSION=1.0.0)
	python tests/toolchain/release.py $(VERSION)

.PHONY: shell
shell: SUITES := $(or $(RELEASE),trixie)
shell: images ## a root shell on a throw-away mail host of the lab (root; RELEASE=bookworm)
	@$(LAB) session tests/lab/shell.sh $(SUITES)

.PHONY: pins
pins: ## renew tests/constraints.txt: the newest versions of all tools
	python3.11 -m venv build/pins
	build/pins/bin/pip install -qq --requirement tests/requirements.txt
	{ head -n 1 tests/constraints.txt; build/pins/bin/pip freeze; } > build/constraints.txt
	mv build/constraints.txt tests/constraints.txt
	rm -rf build/pins

.PHONY: clean
clean: ## remove all that make made in this checkout (not the caches outside of it)
	rm -rf .venv .venv.lock .nox .ansible .mypy_cache .ruff_cache .hypothesis .pytest_cache build tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +
