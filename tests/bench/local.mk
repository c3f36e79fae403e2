# SPDX-License-Identifier: Apache-2.0
noinst_PROGRAMS += %reldir%/bench-crypto %reldir%/ocspgen \
	%reldir%/slow-fdatasync.so
tests_bench_bench_crypto_SOURCES = %reldir%/bench-crypto.c
tests_bench_bench_crypto_LDADD = $(device_libs)
tests_bench_ocspgen_SOURCES = %reldir%/ocspgen.c
tests_bench_ocspgen_LDADD = libbase.a $(OPENSSL_LIBS)

noinst_PROGRAMS += %reldir%/pollgen
tests_bench_pollgen_SOURCES = %reldir%/pollgen.c
tests_bench_pollgen_LDADD = $(device_libs)

noinst_PROGRAMS += %reldir%/bench-lists
tests_bench_bench_lists_SOURCES = %reldir%/bench-lists.c
tests_bench_bench_lists_LDADD = $(records_libs) $(OPENSSL_LIBS)

noinst_PROGRAMS += %reldir%/bench-core
tests_bench_bench_core_SOURCES = %reldir%/bench-core.c
tests_bench_bench_core_LDADD = libprovider.a libsigner.a $(records_libs) \
	$(OPENSSL_LIBS) -lpthread

# To be preloaded into daemons: no program, and no libtool for it.
tests_bench_slow_fdatasync_so_SOURCES = %reldir%/slow-fdatasync.c
tests_bench_slow_fdatasync_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_bench_slow_fdatasync_so_LDFLAGS = -shared

EXTRA_DIST += %reldir%/run.sh %reldir%/core.sh %reldir%/web.sh \
	%reldir%/webgen.py %reldir%/summary.jq %reldir%/table.jq \
	%reldir%/results.md
CLEANFILES += bench.json bench-smoke.json

# As root, some minutes; BENCH=--quick takes one.
bench: all
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' \
		bash $(srcdir)/%reldir%/run.sh $(BENCH)
.PHONY: bench
