# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libwebd.a
libwebd_a_SOURCES = \
	%reldir%/admintls.c %reldir%/admintls.h \
	%reldir%/apitoken.c %reldir%/apitoken.h \
	%reldir%/approvals.c \
	%reldir%/authcerts.c \
	%reldir%/batches.c %reldir%/batches.h \
	%reldir%/captcha.c \
	%reldir%/company.c \
	%reldir%/dashboard.c \
	%reldir%/devices.c \
	%reldir%/dispatch.c %reldir%/dispatch.h \
	%reldir%/gate.c %reldir%/gate.h \
	%reldir%/hsm.c %reldir%/hsm.h \
	%reldir%/keys.c \
	%reldir%/keyuse.c \
	%reldir%/hubs.c \
	%reldir%/link.c \
	%reldir%/live.c %reldir%/live.h \
	%reldir%/login.c \
	%reldir%/logs.c %reldir%/logs.h \
	%reldir%/mail.c %reldir%/mail.h \
	%reldir%/mail_send.c \
	%reldir%/pages.c %reldir%/pages.h \
	%reldir%/parts.c %reldir%/parts.h \
	%reldir%/password.c %reldir%/password.h \
	%reldir%/policies.c \
	%reldir%/profile.c %reldir%/profile.h \
	%reldir%/qr.c %reldir%/qr.h \
	%reldir%/reply.c \
	%reldir%/session.c %reldir%/session.h \
	%reldir%/settings.c %reldir%/settings.h \
	%reldir%/shape.c %reldir%/shape.h \
	%reldir%/signup.c \
	%reldir%/site.c \
	%reldir%/tls.c \
	%reldir%/tokens.c \
	%reldir%/totp.c %reldir%/totp.h \
	%reldir%/ui.c %reldir%/ui.h \
	%reldir%/upload.c \
	%reldir%/users.c %reldir%/users.h \
	%reldir%/web.h

webd_libs = libwebd.a libprovider.a libsigner.a librecords.a libx509.a \
	libwire.a $(http_libs) $(BSON_LIBS) $(SECCOMP_LIBS) $(ARGON2_LIBS) \
	$(QRENCODE_LIBS) $(CURL_LIBS)

pkglibexec_PROGRAMS += quoin-webd
quoin_webd_SOURCES = %reldir%/main.c
quoin_webd_LDADD = $(webd_libs)

unit_tests += tests/unit/test-web-auth
tests_unit_test_web_auth_SOURCES = tests/unit/test-web-auth.c
tests_unit_test_web_auth_LDADD = $(webd_libs)

unit_tests += tests/unit/test-web-logs
tests_unit_test_web_logs_SOURCES = tests/unit/test-web-logs.c
tests_unit_test_web_logs_LDADD = $(webd_libs)

unit_tests += tests/unit/test-web-hsm
tests_unit_test_web_hsm_SOURCES = tests/unit/test-web-hsm.c
tests_unit_test_web_hsm_LDADD = $(webd_libs)

fuzzers += tests/fuzz/fuzz-web-shape
tests_fuzz_fuzz_web_shape_SOURCES = tests/fuzz/fuzz-web-shape.c $(fuzz_main)
tests_fuzz_fuzz_web_shape_LDADD = $(webd_libs)
tests_fuzz_fuzz_web_shape_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-web-shape

# openapi.yaml is kept in the tree and held against the tables by a test:
# `make openapi` writes it anew.
check_PROGRAMS += web/webd/gen-openapi
web_webd_gen_openapi_SOURCES = %reldir%/gen-openapi.c
web_webd_gen_openapi_LDADD = $(webd_libs)
dist_doc_DATA += %reldir%/openapi.yaml
TESTS += tests/integration/openapi.sh
dist_check_SCRIPTS += tests/integration/openapi.sh

.PHONY: openapi
openapi: web/webd/gen-openapi
	$(AM_V_GEN)web/webd/gen-openapi \
		>$(top_srcdir)/web/webd/openapi.yaml
