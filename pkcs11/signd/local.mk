# SPDX-License-Identifier: Apache-2.0
# All but main, for the tests.
noinst_LIBRARIES += libsignd.a
libsignd_a_SOURCES = \
	%reldir%/approvals.c \
	%reldir%/approve.c \
	%reldir%/approve.h \
	%reldir%/approve_priv.h \
	%reldir%/checked.c \
	%reldir%/checked.h \
	%reldir%/cmp_shape.c \
	%reldir%/cmp_shape.h \
	%reldir%/head.c \
	%reldir%/head.h \
	%reldir%/issued.c \
	%reldir%/issued.h \
	%reldir%/journal.c \
	%reldir%/journal.h \
	%reldir%/keyring.c \
	%reldir%/keyring.h \
	%reldir%/keyring_file.c \
	%reldir%/launcher.c \
	%reldir%/launcher.h \
	%reldir%/maint.c \
	%reldir%/maint.h \
	%reldir%/op_approve.c \
	%reldir%/op_cmp.c \
	%reldir%/op_code.c \
	%reldir%/op_code_info.c \
	%reldir%/op_crl.c \
	%reldir%/op_firmware.c \
	%reldir%/op_issue.c \
	%reldir%/op_issuing.c \
	%reldir%/op_journal.c \
	%reldir%/op_key.c \
	%reldir%/op_key_set.c \
	%reldir%/op_list.c \
	%reldir%/op_ocsp.c \
	%reldir%/op_pki.c \
	%reldir%/op_pepper.c \
	%reldir%/op_seal.c \
	%reldir%/op_tls.c \
	%reldir%/op_tls_csr.c \
	%reldir%/own_key.c \
	%reldir%/pki.c \
	%reldir%/purpose.c \
	%reldir%/rules.c \
	%reldir%/sign_once.c \
	%reldir%/sign_once.h \
	%reldir%/sign_shape.c \
	%reldir%/sign_shape.h \
	%reldir%/signd.h \
	%reldir%/state.c \
	%reldir%/statement.c \
	%reldir%/statement.h \
	%reldir%/tls_shape.c \
	%reldir%/tls_shape.h \
	%reldir%/use.c \
	%reldir%/use.h \
	%reldir%/webauthn.c \
	%reldir%/webauthn.h \
	%reldir%/worker.c \
	%reldir%/worker.h \
	%reldir%/worker_batch.c \
	%reldir%/worker_call.c \
	%reldir%/worker_life.c \
	%reldir%/worker_pin.c \
	%reldir%/worker_pss.c \
	%reldir%/worker_priv.h
signd_libs = libsignd.a libsigner.a libjournal.a libtokenops.a libx509.a \
	libwire.a libbase.a $(OPENSSL_LIBS) $(SECCOMP_LIBS) -lpthread

pkglibexec_PROGRAMS += quoin-signd
quoin_signd_SOURCES = %reldir%/main.c
quoin_signd_LDADD = $(signd_libs)

check_PROGRAMS += tests/integration/signd-client
tests_integration_signd_client_SOURCES = tests/integration/signd-client.c
tests_integration_signd_client_LDADD = libsigner.a libjournal.a libx509.a \
	libwire.a libbase.a $(OPENSSL_LIBS) -lpthread

check_PROGRAMS += tests/integration/abuse-table tests/integration/abuse-peer
tests_integration_abuse_table_SOURCES = tests/integration/abuse-table.c \
	tests/integration/abuse.c tests/integration/abuse.h
tests_integration_abuse_table_LDADD = libsigner.a libjournal.a libwire.a \
	libbase.a $(OPENSSL_LIBS) -lpthread
tests_integration_abuse_peer_SOURCES = tests/integration/abuse-peer.c \
	tests/integration/abuse.c tests/integration/abuse.h
tests_integration_abuse_peer_LDADD = libsigner.a libwire.a libbase.a \
	-lpthread

check_PROGRAMS += tests/integration/approve-client
tests_integration_approve_client_SOURCES = tests/integration/approve-client.c
tests_integration_approve_client_LDADD = libsigner.a libwire.a libbase.a \
	$(OPENSSL_LIBS) -lpthread

unit_tests += tests/unit/test-issued
tests_unit_test_issued_SOURCES = tests/unit/test-issued.c
tests_unit_test_issued_LDADD = $(signd_libs)
unit_tests += tests/unit/test-worker-pss
tests_unit_test_worker_pss_SOURCES = tests/unit/test-worker-pss.c
tests_unit_test_worker_pss_LDADD = $(signd_libs)
unit_tests += tests/unit/test-signd-tls tests/unit/test-journal \
	tests/unit/test-signd-maint tests/unit/test-signd-use
tests_unit_test_signd_use_SOURCES = tests/unit/test-signd-use.c
tests_unit_test_signd_use_LDADD = $(signd_libs)
tests_unit_test_signd_maint_SOURCES = tests/unit/test-signd-maint.c
tests_unit_test_signd_maint_LDADD = $(signd_libs)
tests_unit_test_signd_tls_SOURCES = tests/unit/test-signd-tls.c
tests_unit_test_signd_tls_LDADD = $(signd_libs)
tests_unit_test_journal_SOURCES = tests/unit/test-journal.c
tests_unit_test_journal_LDADD = $(signd_libs)

unit_tests += tests/unit/test-webauthn tests/unit/test-approve
tests_unit_test_webauthn_SOURCES = tests/unit/test-webauthn.c
tests_unit_test_webauthn_LDADD = $(signd_libs)
tests_unit_test_approve_SOURCES = tests/unit/test-approve.c
tests_unit_test_approve_LDADD = $(signd_libs)

noinst_PROGRAMS += tests/bench/bench-signd
tests_bench_bench_signd_SOURCES = tests/bench/bench-signd.c
tests_bench_bench_signd_LDADD = libsigner.a libtoken.a libtokenops.a \
	libx509.a libwire.a libbase.a $(OPENSSL_LIBS) -ldl -lpthread

fuzzers += tests/fuzz/fuzz-signd-frames tests/fuzz/fuzz-journal \
	tests/fuzz/fuzz-tls-shape tests/fuzz/fuzz-cmp-shape
tests_fuzz_fuzz_signd_frames_SOURCES = tests/fuzz/fuzz-signd-frames.c \
	$(fuzz_main)
tests_fuzz_fuzz_signd_frames_LDADD = libsigner.a libtokenops.a libwire.a \
	libbase.a -lpthread
tests_fuzz_fuzz_signd_frames_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_journal_SOURCES = tests/fuzz/fuzz-journal.c $(fuzz_main)
tests_fuzz_fuzz_journal_LDADD = libjournal.a libwire.a libbase.a \
	$(OPENSSL_LIBS)
tests_fuzz_fuzz_journal_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_tls_shape_SOURCES = tests/fuzz/fuzz-tls-shape.c $(fuzz_main)
tests_fuzz_fuzz_tls_shape_LDADD = libsignd.a libbase.a
tests_fuzz_fuzz_tls_shape_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_cmp_shape_SOURCES = tests/fuzz/fuzz-cmp-shape.c $(fuzz_main)
tests_fuzz_fuzz_cmp_shape_LDADD = libsignd.a libx509.a libbase.a \
	$(OPENSSL_LIBS)
tests_fuzz_fuzz_cmp_shape_LDFLAGS = $(fuzz_ldflags)

fuzzers += tests/fuzz/fuzz-worker-answers tests/fuzz/fuzz-signd-replies
tests_fuzz_fuzz_worker_answers_SOURCES = tests/fuzz/fuzz-worker-answers.c \
	$(fuzz_main)
tests_fuzz_fuzz_worker_answers_LDADD = $(signd_libs)
tests_fuzz_fuzz_worker_answers_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_signd_replies_SOURCES = tests/fuzz/fuzz-signd-replies.c \
	$(fuzz_main)
tests_fuzz_fuzz_signd_replies_LDADD = libsigner.a libwire.a libbase.a \
	-lpthread
tests_fuzz_fuzz_signd_replies_LDFLAGS = $(fuzz_ldflags)
fuzzers += tests/fuzz/fuzz-signd-ops
tests_fuzz_fuzz_signd_ops_SOURCES = tests/fuzz/fuzz-signd-ops.c $(fuzz_main)
tests_fuzz_fuzz_signd_ops_LDADD = $(signd_libs)
tests_fuzz_fuzz_signd_ops_LDFLAGS = $(fuzz_ldflags) \
	-Wl,--wrap=file_replace,--wrap=wire_req_uid,--wrap=journal_append \
	-Wl,--wrap=journal_append_locked,--wrap=journal_put \
	-Wl,--wrap=journal_wait,--wrap=journal_get,--wrap=journal_head
EXTRA_DIST += tests/fuzz/corpus-signd-ops
EXTRA_DIST += tests/fuzz/corpus-worker-answers \
	tests/fuzz/corpus-signd-replies

fuzzers += tests/fuzz/fuzz-webauthn
tests_fuzz_fuzz_webauthn_SOURCES = tests/fuzz/fuzz-webauthn.c $(fuzz_main)
tests_fuzz_fuzz_webauthn_LDADD = libsignd.a libx509.a libbase.a \
	$(OPENSSL_LIBS)
tests_fuzz_fuzz_webauthn_LDFLAGS = $(fuzz_ldflags)

EXTRA_DIST += tests/fuzz/corpus-webauthn
EXTRA_DIST += tests/fuzz/corpus-signd-frames tests/fuzz/corpus-journal \
	tests/fuzz/corpus-tls-shape tests/fuzz/corpus-cmp-shape
