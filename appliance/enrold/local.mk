# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libenrold.a
libenrold_a_SOURCES = \
	%reldir%/authcert.c %reldir%/authcert.h \
	%reldir%/cache.c %reldir%/cache.h \
	%reldir%/cmp.c %reldir%/cmp.h \
	%reldir%/cmp_do.c \
	%reldir%/cmp_msg.c %reldir%/cmp_msg.h \
	%reldir%/cmp_revoke.c \
	%reldir%/cmp_trans.c %reldir%/cmp_trans.h \
	%reldir%/core.c %reldir%/core.h \
	%reldir%/crl_make.c %reldir%/crl_make.h \
	%reldir%/crls.c %reldir%/crls.h \
	%reldir%/csr_text.c \
	%reldir%/est.c \
	%reldir%/front.c %reldir%/front.h \
	%reldir%/house.c %reldir%/house.h \
	%reldir%/lookup.c %reldir%/lookup.h \
	%reldir%/native.c \
	%reldir%/notes.c %reldir%/notes.h \
	%reldir%/ocsp.c %reldir%/ocsp.h \
	%reldir%/ocsp_fill.c %reldir%/ocsp_fill.h \
	%reldir%/ocsp_front.c %reldir%/ocsp_front.h \
	%reldir%/ocsp_sign.c %reldir%/ocsp_sign.h \
	%reldir%/ocsp_table.c %reldir%/ocsp_table.h \
	%reldir%/peer.c %reldir%/peer.h \
	%reldir%/pki.c %reldir%/pki.h \
	%reldir%/revset.c %reldir%/revset.h \
	%reldir%/rules.c %reldir%/rules.h \
	%reldir%/serverkey.c %reldir%/serverkey.h \
	%reldir%/status.c \
	%reldir%/sweep.c %reldir%/sweep.h \
	%reldir%/throttle.c %reldir%/throttle.h \
	%reldir%/token.c %reldir%/token.h

enrold_libs = libenrold.a libprovider.a libsigner.a librecords.a libx509.a \
	libwire.a $(http_libs) $(BSON_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += quoin-enrold
quoin_enrold_SOURCES = %reldir%/main.c
quoin_enrold_LDADD = $(enrold_libs)

unit_tests += tests/unit/test-cmp-msg tests/unit/test-cmp-trans
tests_unit_test_cmp_trans_SOURCES = tests/unit/test-cmp-trans.c
tests_unit_test_cmp_trans_LDADD = $(enrold_libs)
tests_unit_test_cmp_msg_SOURCES = tests/unit/test-cmp-msg.c
tests_unit_test_cmp_msg_LDADD = $(enrold_libs)

unit_tests += tests/unit/test-enrold-ocsp
tests_unit_test_enrold_ocsp_SOURCES = tests/unit/test-enrold-ocsp.c
tests_unit_test_enrold_ocsp_LDADD = $(enrold_libs)

fuzzers += tests/fuzz/fuzz-cmp
tests_fuzz_fuzz_cmp_SOURCES = tests/fuzz/fuzz-cmp.c $(fuzz_main)
tests_fuzz_fuzz_cmp_LDADD = $(enrold_libs)
tests_fuzz_fuzz_cmp_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-cmp

unit_tests += tests/unit/test-enrold-rules
tests_unit_test_enrold_rules_SOURCES = tests/unit/test-enrold-rules.c
tests_unit_test_enrold_rules_LDADD = $(enrold_libs)

check_PROGRAMS += tests/integration/access-client
tests_integration_access_client_SOURCES = tests/integration/access-client.c
tests_integration_access_client_LDADD = $(enrold_libs)

unit_tests += tests/unit/test-enrold-ways tests/unit/test-enrold-auth
tests_unit_test_enrold_ways_SOURCES = tests/unit/test-enrold-ways.c
tests_unit_test_enrold_ways_LDADD = $(enrold_libs)
tests_unit_test_enrold_auth_SOURCES = tests/unit/test-enrold-auth.c
tests_unit_test_enrold_auth_LDADD = $(enrold_libs)

fuzzers += tests/fuzz/fuzz-est
tests_fuzz_fuzz_est_SOURCES = tests/fuzz/fuzz-est.c $(fuzz_main)
tests_fuzz_fuzz_est_LDADD = $(enrold_libs)
tests_fuzz_fuzz_est_LDFLAGS = $(fuzz_ldflags)
fuzzers += tests/fuzz/fuzz-auth
tests_fuzz_fuzz_auth_SOURCES = tests/fuzz/fuzz-auth.c $(fuzz_main)
tests_fuzz_fuzz_auth_LDADD = $(enrold_libs)
tests_fuzz_fuzz_auth_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-est tests/fuzz/corpus-auth

unit_tests += tests/unit/test-revset
tests_unit_test_revset_SOURCES = tests/unit/test-revset.c
tests_unit_test_revset_LDADD = $(enrold_libs)

noinst_PROGRAMS += tests/bench/bench-crl
tests_bench_bench_crl_SOURCES = tests/bench/bench-crl.c
tests_bench_bench_crl_LDADD = $(enrold_libs)
