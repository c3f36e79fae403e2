# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%reldir%/buf.c \
	%reldir%/buf.h \
	%reldir%/clock.c \
	%reldir%/clock.h \
	%reldir%/codec.c \
	%reldir%/codec.h \
	%reldir%/conf.c \
	%reldir%/conf.h \
	%reldir%/err.c \
	%reldir%/err.h \
	%reldir%/fsio.c \
	%reldir%/fsio.h \
	%reldir%/log.c \
	%reldir%/log.h \
	%reldir%/own.h \
	%reldir%/sandbox.c \
	%reldir%/sandbox.h \
	%reldir%/secret.c \
	%reldir%/secret.h

unit_tests += tests/unit/test-base
tests_unit_test_base_SOURCES = tests/unit/test-base.c
tests_unit_test_base_LDADD = libbase.a $(SECCOMP_LIBS)

fuzzers += tests/fuzz/fuzz-conf tests/fuzz/fuzz-b64
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz-conf.c $(fuzz_main)
tests_fuzz_fuzz_conf_LDADD = libbase.a
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_b64_SOURCES = tests/fuzz/fuzz-b64.c $(fuzz_main)
tests_fuzz_fuzz_b64_LDADD = libbase.a
tests_fuzz_fuzz_b64_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-conf tests/fuzz/corpus-b64
