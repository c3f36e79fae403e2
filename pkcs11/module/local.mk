# SPDX-License-Identifier: Apache-2.0
# The module is one shared object, made of its own sources and of what it
# needs of the others, compiled for it: no libtool for one file.
pkcs11modulesdir = $(libdir)/pkcs11
pkcs11modules_PROGRAMS = %reldir%/libquoin-pkcs11.so
pkcs11_module_libquoin_pkcs11_so_SOURCES = \
	%reldir%/absent.c \
	%reldir%/crypt.c \
	%reldir%/general.c \
	%reldir%/keys.c \
	%reldir%/mech.c \
	%reldir%/module.h \
	%reldir%/object.c \
	%reldir%/remote.c \
	%reldir%/state.c \
	appliance/base/buf.c \
	appliance/base/clock.c \
	appliance/base/codec.c \
	appliance/base/conf.c \
	appliance/base/err.c \
	appliance/base/fsio.c \
	appliance/base/log.c \
	appliance/signer/signer.c \
	appliance/wire/client.c \
	appliance/wire/fields.c \
	appliance/wire/frame.c
pkcs11_module_libquoin_pkcs11_so_CFLAGS = $(AM_CFLAGS) -fPIC
pkcs11_module_libquoin_pkcs11_so_LDFLAGS = -shared -Wl,-z,relro,-z,now \
	-Wl,--version-script=$(srcdir)/%reldir%/libquoin-pkcs11.map
pkcs11_module_libquoin_pkcs11_so_LDADD = -lcrypto -lpthread
EXTRA_DIST += %reldir%/libquoin-pkcs11.map
dist_man_MANS += appliance/man/libquoin-pkcs11.7

# p11-kit finds the module by this.
p11kitmodulesdir = $(datadir)/p11-kit/modules
p11kitmodules_DATA = %reldir%/quoin.module
CLEANFILES += $(p11kitmodules_DATA)
%reldir%/quoin.module: Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	echo 'module: $(pkcs11modulesdir)/libquoin-pkcs11.so' >$@

unit_tests += tests/unit/test-module
tests_unit_test_module_SOURCES = tests/unit/test-module.c \
	tests/unit/module-peer.c tests/unit/module-peer.h
tests_unit_test_module_LDADD = libsigner.a libwire.a libbase.a -lcrypto -ldl \
	-lpthread
EXTRA_tests_unit_test_module_DEPENDENCIES = \
	%reldir%/libquoin-pkcs11.so

check_PROGRAMS += tests/interop/oasis
tests_interop_oasis_SOURCES = tests/interop/oasis.c
tests_interop_oasis_LDADD = -ldl
