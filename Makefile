# SPDX-License-Identifier: GPL-2.0
# Every entry point; `make help` lists them. The work is done by scripts/,
# each of which has --help.

export JOBS ACCEL LINUX LLVM BUILD_DIR KCONFIG

BUILD := $(abspath $(or $(BUILD_DIR),build))

.PHONY: help deps tree kernel kernel-debug kernel-base modules stage guest demo deb-test \
	check check-long lint series refresh bench bisect deb tools install shell recordings \
	clean

help:
	@echo 'What you probably want:'
	@echo '  make demo        two containers, each seeing only itself, in QEMU'
	@echo '  make check       all checks and tests; TAP in build/results'
	@echo
	@echo 'Parts of it (each makes what it needs):'
	@echo '  make deps        install the Debian packages that are missing'
	@echo '  make tree        build/linux: the base kernel and the series, as git'
	@echo '                   [LINUX=/path: your tree or tarball instead]'
	@echo '  make kernel      the release kernel (also: kernel-debug, kernel-base)'
	@echo '  make guest       the guest image'
	@echo '  make stage       tools and selftests, for the guest'
	@echo '  make tools       cid, cid-runtime, cid-record, cid-agent: no kernel is needed'
	@echo '  make install     them, and man pages, as root [DESTDIR= PREFIX=/usr/local]'
	@echo '  make shell       an interactive guest [KERNEL=release|debug|base]'
	@echo '  make lint        checkpatch, sparse, W=1, kernel-doc, shellcheck, series'
	@echo '  make clean       remove build/, downloads included'
	@echo '  make check TEST=GLOB   a part, such as TEST="metrics_ns/*"'
	@echo
	@echo 'The patch series:'
	@echo '  make series      mails to build/series [LINUX= PART= V= RFC=]'
	@echo '  make refresh     take work done in build/linux over into patches/'
	@echo '  make recordings  record files of the base kernel that tests compare with'
	@echo
	@echo 'The patch series on lttng-modules:'
	@echo '  make modules     build it for the release kernel, in the guest'
	@echo '  scripts/series --of lttng-modules [apply|refresh|check|export]'
	@echo '  scripts/lttng-tools  packages of lttng-tools with a series of their own'
	@echo
	@echo 'For a test host:'
	@echo '  make deb         kernel, headers and tools as packages [KCONFIG=FILE]'
	@echo '  make deb-test    the same, small, installed and booted in QEMU'
	@echo
	@echo 'Longer than a check:'
	@echo '  make check-long  the same with more cycles, for hours [SEED= STAGES=]'
	@echo '  make bench       what it costs, in instructions [NATIVE=1 VARIANT=NAME]'
	@echo '  make bisect      does each commit build, on and off, and boot? [PART=]'
	@echo

deps:
	@scripts/deps

tree: deps
	@scripts/tree
	@scripts/series apply

kernel: tree
	@scripts/kernel release

kernel-debug: tree
	@scripts/kernel debug

kernel-base: tree
	@scripts/kernel base

stage: tree
	@scripts/stage

# Where each of the tools is built
TOOLS := cid:tools/container cid-runtime:tools/container/runtime lttng:tools/lttng \
	 agent:ust-provider

tools install:
	@set -e; for tool in $(TOOLS); do \
		$(MAKE) -s -C $${tool#*:} O=$(BUILD)/out/$${tool%%:*} $(subst tools,all,$@); \
	done

guest: deps
	@scripts/guest image

demo: kernel stage guest
	@scripts/demo

lint: tree
	@scripts/lint

check: deps
	@scripts/check $(if $(TEST),--test '$(TEST)')

# LINUX= is what the mails are for; build/linux stays as it is.
series: deps
	@LINUX= scripts/tree
	@LINUX= scripts/series apply
	@scripts/series export

refresh:
	@scripts/series refresh

recordings: kernel-base stage guest
	@scripts/recordings
	@scripts/upstream record

shell: KERNEL = release
shell: stage guest
	@scripts/kernel $(KERNEL)
	@scripts/guest shell --kernel $(KERNEL)

check-long: deps
	@scripts/check --long $(if $(SEED),--seed $(SEED)) $(STAGES)

bench: tree
	@scripts/bench $(if $(NATIVE),--native $(or $(VARIANT),$(shell uname -r)))

bisect: tree
	@scripts/bisect $(if $(PART),--part $(PART))

deb: tree
	@scripts/deb

deb-test: tree stage guest kernel
	@scripts/deb --test

modules: kernel
	@scripts/modules release

clean:
	rm -rf $(BUILD)
