# SPDX-License-Identifier: Apache-2.0
# The small face over civetweb.

noinst_LIBRARIES += libhttp.a libcivetweb.a
libhttp_a_SOURCES = \
	%reldir%/cw.h \
	%reldir%/head.c %reldir%/head.h \
	%reldir%/hello.c %reldir%/hello.h \
	%reldir%/http.h \
	%reldir%/io.c %reldir%/io.h \
	%reldir%/json.c %reldir%/json.h \
	%reldir%/park.c %reldir%/park.h \
	%reldir%/peers.c %reldir%/peers.h \
	%reldir%/reply.c %reldir%/reply.h \
	%reldir%/route.c %reldir%/route.h \
	%reldir%/serve.c \
	%reldir%/server.c %reldir%/server.h \
	%reldir%/tls.c

# civetweb is compiled into cw.c; it counts as a system header, so that our
# warnings are about our lines only.
libcivetweb_a_SOURCES = %reldir%/cw.c
libcivetweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(CIVETWEB_CFLAGS) -DNO_FILES \
	-DNO_CACHING

# In this order, after the daemon's own.
http_libs = libhttp.a libcivetweb.a libbase.a $(OPENSSL_LIBS) \
	$(JSONC_LIBS) -lpthread
