# SPDX-License-Identifier: Apache-2.0
# The messages, for the worker and for quoin-signd.
noinst_LIBRARIES += libtokenops.a
libtokenops_a_SOURCES = %reldir%/token_ops.c %reldir%/token_ops.h

# The worker but for its main, for the tests and the benchmark.
noinst_LIBRARIES += libtoken.a
libtoken_a_SOURCES = \
	%reldir%/handles.c \
	%reldir%/health.c \
	%reldir%/import.c \
	%reldir%/keys.c \
	%reldir%/mech.c \
	%reldir%/ops.h \
	%reldir%/p11.c \
	%reldir%/p11.h \
	%reldir%/rv.c \
	%reldir%/rv.h

pkglibexec_PROGRAMS += quoin-token quoin-token-init
quoin_token_init_SOURCES = %reldir%/init.c
quoin_token_init_LDADD = libbase.a -ldl
quoin_token_SOURCES = \
	%reldir%/main.c \
	%reldir%/sandbox.c \
	%reldir%/sandbox.h \
	%reldir%/softhsm.c \
	%reldir%/softhsm.h
quoin_token_LDADD = libtoken.a libtokenops.a libwire.a libbase.a \
	$(SECCOMP_LIBS) -ldl -lpthread

unit_tests += tests/unit/test-token-rv
tests_unit_test_token_rv_SOURCES = tests/unit/test-token-rv.c
nodist_tests_unit_test_token_rv_SOURCES = tests/fakes/ckr-list.h
tests_unit_test_token_rv_LDADD = libtoken.a libbase.a

fuzzers += tests/fuzz/fuzz-token-ops
tests_fuzz_fuzz_token_ops_SOURCES = tests/fuzz/fuzz-token-ops.c $(fuzz_main)
tests_fuzz_fuzz_token_ops_LDADD = libtoken.a libtokenops.a libwire.a \
	libbase.a -ldl -lpthread
tests_fuzz_fuzz_token_ops_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-token-ops
