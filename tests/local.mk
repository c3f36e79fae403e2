# SPDX-License-Identifier: Apache-2.0
include %reldir%/bench/local.mk
include %reldir%/fakes/local.mk
include %reldir%/integration/local.mk

check_PROGRAMS += $(unit_tests) $(fuzzers)
check_scripts = %reldir%/fuzz/replay.sh %reldir%/lint/includes.sh \
	%reldir%/lint/banned.sh %reldir%/lint/spdx.sh \
	%reldir%/lint/length.sh %reldir%/lint/shell.sh \
	%reldir%/lint/hardening.sh %reldir%/lint/units.sh \
	%reldir%/lint/kinds.sh
dist_check_SCRIPTS += $(check_scripts)
TESTS += $(unit_tests) $(check_scripts)
noinst_HEADERS += %reldir%/unit/tap.h
EXTRA_DIST += %reldir%/fuzz/replay-main.c \
	$(wildcard $(srcdir)/tests/browser/*.mjs) \
	$(wildcard $(srcdir)/tests/browser/package*.json) \
	$(wildcard $(srcdir)/tests/fakes/*.c) \
	$(wildcard $(srcdir)/tests/fakes/mongo-server/*) \
	$(wildcard $(srcdir)/tests/fakes/mongo-java-server/*) \
	%reldir%/lint/lib.sh \
	%reldir%/lint/layers %reldir%/lint/fences \
	%reldir%/lint/length-exceptions
installed_programs = $(bin_PROGRAMS) $(pkglibexec_PROGRAMS)
check_DATA = $(installed_programs) $(units)

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/autotools/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC; fuzzers='$(fuzzers)'; export fuzzers; \
	units='$(units)'; export units; \
	installed_programs='$(installed_programs)'; \
	export installed_programs;

# What tests/run asks for.
list-tests:
	@echo $(TESTS)
list-fuzzers:
	@echo $(fuzzers)
.PHONY: list-tests list-fuzzers
