# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libwebd.a
libwebd_a_SOURCES = \
	%reldir%/admintls.c %reldir%/admintls.h \
	%reldir%/dispatch.c %reldir%/dispatch.h \
	%reldir%/pages.c %reldir%/pages.h \
	%reldir%/parts.c %reldir%/parts.h \
	%reldir%/reply.c \
	%reldir%/session.c %reldir%/session.h \
	%reldir%/shape.c %reldir%/shape.h \
	%reldir%/site.c \
	%reldir%/ui.c %reldir%/ui.h \
	%reldir%/web.h

webd_libs = libwebd.a libprovider.a libsigner.a librecords.a libx509.a \
	libwire.a $(http_libs) $(BSON_LIBS) $(SECCOMP_LIBS)

