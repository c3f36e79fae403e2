# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libsigner.a libprovider.a libjournal.a
libsigner_a_SOURCES = \
	%reldir%/named.c \
	%reldir%/named.h \
	%reldir%/signd_ops.h \
	%reldir%/signer.c \
	%reldir%/signer.h

# Apart from the client: only who serves TLS needs OpenSSL for it.
libprovider_a_SOURCES = \
	%reldir%/provider.c \
	%reldir%/provider.h

# Reading and verifying signd's journal, for quoin-signd and quoinctl.
libjournal_a_SOURCES = \
	%reldir%/journal_check.c \
	%reldir%/journal_check.h \
	%reldir%/journal_read.c \
	%reldir%/journal_read.h

unit_tests += tests/unit/test-provider tests/unit/test-signer
tests_unit_test_signer_SOURCES = tests/unit/test-signer.c
tests_unit_test_signer_LDADD = libsigner.a libwire.a libbase.a
tests_unit_test_provider_SOURCES = tests/unit/test-provider.c
tests_unit_test_provider_LDADD = libprovider.a libsigner.a libwire.a \
	libbase.a $(OPENSSL_LIBS)

check_PROGRAMS += tests/integration/provider-server
tests_integration_provider_server_SOURCES = \
	tests/integration/provider-server.c
tests_integration_provider_server_LDADD = libprovider.a libsigner.a \
	libwire.a libbase.a $(OPENSSL_LIBS)
