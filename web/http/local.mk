# SPDX-License-Identifier: Apache-2.0
# The small face over civetweb.

noinst_LIBRARIES += libhttp.a libcivetweb.a
libhttp_a_SOURCES = \
	%reldir%/cw.h \
	%reldir%/events.c \
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
	%reldir%/serve_begin.c \
	%reldir%/stream.c %reldir%/stream.h \
	%reldir%/server.c %reldir%/server.h \
	%reldir%/tls.c \
	%reldir%/worker.h

# civetweb is compiled into cw.c; it counts as a system header, so that our
# warnings are about our lines only.
libcivetweb_a_SOURCES = %reldir%/cw.c
libcivetweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(CIVETWEB_CFLAGS) -DNO_FILES \
	-DNO_CACHING -DSTOP_FLAG_NEEDS_LOCK

# In this order, after the daemon's own.
http_libs = libhttp.a libcivetweb.a libbase.a $(OPENSSL_LIBS) \
	$(JSONC_LIBS) -lpthread

http_tools = tests/unit/http-tools.c tests/unit/http-tools.h
unit_tests += tests/unit/test-http tests/unit/test-http-load \
	tests/unit/test-http-parse tests/unit/test-http-stream \
	tests/unit/test-http-tls
tests_unit_test_http_SOURCES = tests/unit/test-http.c $(http_tools)
tests_unit_test_http_LDADD = $(http_libs)
tests_unit_test_http_load_SOURCES = tests/unit/test-http-load.c $(http_tools)
tests_unit_test_http_load_LDADD = $(http_libs)
tests_unit_test_http_parse_SOURCES = tests/unit/test-http-parse.c $(http_tools)
tests_unit_test_http_parse_LDADD = $(http_libs)
tests_unit_test_http_stream_SOURCES = tests/unit/test-http-stream.c $(http_tools)
tests_unit_test_http_stream_LDADD = $(http_libs)
tests_unit_test_http_tls_SOURCES = tests/unit/test-http-tls.c $(http_tools)
tests_unit_test_http_tls_LDADD = $(http_libs)

fuzzers += tests/fuzz/fuzz-http-cookie tests/fuzz/fuzz-http-hello \
	tests/fuzz/fuzz-http-json tests/fuzz/fuzz-http-request
tests_fuzz_fuzz_http_cookie_SOURCES = tests/fuzz/fuzz-http-cookie.c \
	$(fuzz_main)
tests_fuzz_fuzz_http_cookie_LDADD = $(http_libs)
tests_fuzz_fuzz_http_cookie_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_hello_SOURCES = tests/fuzz/fuzz-http-hello.c $(fuzz_main)
tests_fuzz_fuzz_http_hello_LDADD = $(http_libs)
tests_fuzz_fuzz_http_hello_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_json_SOURCES = tests/fuzz/fuzz-http-json.c $(fuzz_main)
tests_fuzz_fuzz_http_json_LDADD = $(http_libs)
tests_fuzz_fuzz_http_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_request_SOURCES = tests/fuzz/fuzz-http-request.c \
	$(fuzz_main)
tests_fuzz_fuzz_http_request_LDADD = $(http_libs)
tests_fuzz_fuzz_http_request_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-http-cookie tests/fuzz/corpus-http-hello \
	tests/fuzz/corpus-http-json tests/fuzz/corpus-http-request
