# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libwire.a
libwire_a_SOURCES = \
	%reldir%/client.c \
	%reldir%/client.h \
	%reldir%/fields.c \
	%reldir%/fields.h \
	%reldir%/frame.c \
	%reldir%/frame.h \
	%reldir%/role.c \
	%reldir%/role.h \
	%reldir%/server.c \
	%reldir%/server.h

unit_tests += tests/unit/test-wire
tests_unit_test_wire_SOURCES = tests/unit/test-wire.c
tests_unit_test_wire_LDADD = libwire.a libbase.a -lpthread
