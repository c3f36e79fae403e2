# SPDX-License-Identifier: Apache-2.0
# A PKCS #11 module that makes faults: loaded by the token worker in tests,
# never installed, and no libtool for it.
check_PROGRAMS += tests/fakes/p11-shim.so tests/integration/faults-client
tests_fakes_p11_shim_so_SOURCES = tests/fakes/p11-shim.c tests/fakes/p11-shim.h
tests_fakes_p11_shim_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_fakes_p11_shim_so_LDFLAGS = -shared
tests_fakes_p11_shim_so_LDADD = -ldl

tests_integration_faults_client_SOURCES = \
	tests/integration/asker-audit.c \
	tests/integration/asker-keys.c \
	tests/integration/asker.c \
	tests/integration/asker.h \
	tests/integration/faults-client.c \
	tests/integration/faults-matrix.c \
	tests/integration/faults-special.c \
	tests/integration/faults.h
nodist_tests_integration_faults_client_SOURCES = tests/fakes/ckr-list.h
tests_integration_faults_client_LDADD = libsigner.a libjournal.a libx509.a \
	libwire.a libbase.a $(OPENSSL_LIBS) -lpthread

# Every CK_RV that p11-kit's header names.
BUILT_SOURCES += tests/fakes/ckr-list.h
CLEANFILES += tests/fakes/ckr-list.h
tests/fakes/ckr-list.h: Makefile
	$(AM_V_GEN)$(MKDIR_P) tests/fakes && \
	echo '#include <p11-kit/pkcs11.h>' | \
	$(CC) $(DEPS_CFLAGS) -E -dM -x c - | \
	sed -n 's/^#define \(CKR_[A-Z0-9_]*\) (\{0,1\}\(0x[0-9a-fA-F]*\|[0-9][0-9]*\)UL)\{0,1\}$$/X(\1, \2UL)/p' | \
	sort >$@-new && test -s $@-new && mv $@-new $@
