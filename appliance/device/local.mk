# SPDX-License-Identifier: Apache-2.0
# The device's side. The core is ISO C and stays so: it is compiled as such,
# with nothing else in sight.

noinst_LIBRARIES += libquoin-device.a
libquoin_device_a_CPPFLAGS = $(AM_CPPFLAGS) -U_GNU_SOURCE
libquoin_device_a_CFLAGS = $(AM_CFLAGS) -std=c11 -pedantic
libquoin_device_a_SOURCES = \
	%reldir%/qdev.c %reldir%/qdev.h \
	%reldir%/qdev_answer.c %reldir%/qdev_answer.h \
	%reldir%/qdev_http.c %reldir%/qdev_http.h \
	%reldir%/qdev_json.c %reldir%/qdev_json.h

noinst_LIBRARIES += libquoin-agent.a
libquoin_agent_a_SOURCES = \
	%reldir%/agent.c %reldir%/agent.h \
	%reldir%/agent_fleet.c %reldir%/agent_fleet.h \
	%reldir%/agent_fleet_run.c \
	%reldir%/agent_grant.c %reldir%/agent_grant.h \
	%reldir%/agent_key.c %reldir%/agent_key.h \
	%reldir%/agent_net.c %reldir%/agent_net.h \
	%reldir%/agent_store.c %reldir%/agent_store.h

device_libs = libquoin-agent.a libquoin-device.a libbase.a $(OPENSSL_LIBS)

bin_PROGRAMS += quoin-agent
quoin_agent_SOURCES = %reldir%/agent_main.c
quoin_agent_LDADD = $(device_libs) -lpthread

unit_tests += tests/unit/test-device tests/unit/test-device-agent \
	tests/unit/test-device-http tests/unit/test-device-json
tests_unit_test_device_SOURCES = tests/unit/test-device.c
tests_unit_test_device_LDADD = libquoin-device.a
tests_unit_test_device_agent_SOURCES = tests/unit/test-device-agent.c
tests_unit_test_device_agent_LDADD = $(device_libs) -lpthread
tests_unit_test_device_http_SOURCES = tests/unit/test-device-http.c
tests_unit_test_device_http_LDADD = libquoin-device.a
tests_unit_test_device_json_SOURCES = tests/unit/test-device-json.c
tests_unit_test_device_json_LDADD = libquoin-device.a

fuzzers += tests/fuzz/fuzz-device-json
tests_fuzz_fuzz_device_json_SOURCES = tests/fuzz/fuzz-device-json.c \
	$(fuzz_main)
tests_fuzz_fuzz_device_json_LDADD = libquoin-device.a
tests_fuzz_fuzz_device_json_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-device-json

noinst_PROGRAMS += tests/bench/loadgen
tests_bench_loadgen_SOURCES = tests/bench/loadgen.c
tests_bench_loadgen_LDADD = $(device_libs) -lpthread

dist_man_MANS += appliance/man/quoin-agent.1
dist_doc_DATA += appliance/doc/PROTOCOL-DEVICE.md
