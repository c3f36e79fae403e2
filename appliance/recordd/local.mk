# SPDX-License-Identifier: Apache-2.0
# The daemon but for its main: what the tests drive in their own process.
noinst_LIBRARIES += librecordd.a
librecordd_a_SOURCES = \
	%reldir%/hints.c \
	%reldir%/hints.h \
	%reldir%/ops.c \
	%reldir%/ops.h \
	%reldir%/sql_read.c \
	%reldir%/sql_schema.c \
	%reldir%/sql_write.c \
	%reldir%/sqlite.c \
	%reldir%/sqlite.h \
	%reldir%/store.c \
	%reldir%/store.h \
	%reldir%/store_mongo.c \
	%reldir%/store_mongo.h \
	%reldir%/store_mongo_apply.c \
	%reldir%/store_mongo_batch.c \
	%reldir%/store_mongo_intent.c \
	%reldir%/store_mongo_link.c \
	%reldir%/store_mongo_read.c \
	%reldir%/store_mongo_recount.c \
	%reldir%/store_mongo_reply.c \
	%reldir%/store_mongo_write.c \
	%reldir%/store_sqlite.c \
	%reldir%/store_sqlite.h \
	%reldir%/writer.c \
	%reldir%/writer.h

pkglibexec_PROGRAMS += quoin-recordd
quoin_recordd_SOURCES = %reldir%/main.c
quoin_recordd_LDADD = $(recordd_libs)
recordd_libs = librecordd.a librecords.a libwire.a libbase.a \
	$(SQLITE_LIBS) $(MONGOC_LIBS) $(BSON_LIBS) $(JSONC_LIBS) $(SECCOMP_LIBS)

unit_tests += tests/unit/test-store tests/unit/test-store-mongo \
	tests/unit/test-store-sqlite
tests_unit_test_store_SOURCES = tests/unit/test-store.c
tests_unit_test_store_LDADD = $(recordd_libs)
tests_unit_test_store_mongo_SOURCES = tests/unit/test-store-mongo.c
tests_unit_test_store_mongo_LDADD = $(recordd_libs)
tests_unit_test_store_sqlite_SOURCES = tests/unit/test-store-sqlite.c
tests_unit_test_store_sqlite_LDADD = $(recordd_libs)

noinst_PROGRAMS += tests/bench/bench-records
tests_bench_bench_records_SOURCES = tests/bench/bench-records.c
tests_bench_bench_records_LDADD = $(records_libs)

check_PROGRAMS += tests/integration/recordd-client
tests_integration_recordd_client_SOURCES = tests/integration/recordd-client.c
tests_integration_recordd_client_LDADD = $(records_libs)

check_PROGRAMS += tests/integration/people-client \
	tests/integration/records-client
tests_integration_people_client_SOURCES = \
	tests/integration/people-client.c tests/integration/records-client.h
tests_integration_people_client_LDADD = $(records_libs) $(OPENSSL_LIBS)
tests_integration_records_client_SOURCES = \
	tests/integration/records-client.c tests/integration/records-client.h
tests_integration_records_client_LDADD = $(records_libs)

fuzzers += tests/fuzz/fuzz-recordd-frames
tests_fuzz_fuzz_recordd_frames_SOURCES = tests/fuzz/fuzz-recordd-frames.c \
	$(fuzz_main)
tests_fuzz_fuzz_recordd_frames_LDADD = $(recordd_libs)
tests_fuzz_fuzz_recordd_frames_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-recordd-frames

fuzzers += tests/fuzz/fuzz-mongo-reply
tests_fuzz_fuzz_mongo_reply_SOURCES = tests/fuzz/fuzz-mongo-reply.c \
	$(fuzz_main)
tests_fuzz_fuzz_mongo_reply_LDADD = $(recordd_libs)
tests_fuzz_fuzz_mongo_reply_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-mongo-reply
