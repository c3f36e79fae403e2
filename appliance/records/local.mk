# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librecords.a
librecords_a_SOURCES = \
	%reldir%/access.c \
	%reldir%/access.h \
	%reldir%/actions.c \
	%reldir%/actions.h \
	%reldir%/client.c \
	%reldir%/client.h \
	%reldir%/fleet.c \
	%reldir%/fleet.h \
	%reldir%/fleet_csv.c \
	%reldir%/fleet_csv.h \
	%reldir%/fleet_list.c \
	%reldir%/fleet_list.h \
	%reldir%/keys.c \
	%reldir%/keys.h \
	%reldir%/load.c \
	%reldir%/load.h \
	%reldir%/logs.c \
	%reldir%/logs.h \
	%reldir%/people.c \
	%reldir%/policies.c \
	%reldir%/policies.h \
	%reldir%/people.h \
	%reldir%/rec_bson.c \
	%reldir%/rec_json.c \
	%reldir%/records.c \
	%reldir%/records.h \
	%reldir%/records_ops.c \
	%reldir%/records_ops.h

records_libs = librecords.a libwire.a libbase.a $(BSON_LIBS) $(JSONC_LIBS) \
	$(SECCOMP_LIBS)

unit_tests += tests/unit/test-records tests/unit/test-records-fleet
tests_unit_test_records_SOURCES = tests/unit/test-records.c
tests_unit_test_records_LDADD = $(records_libs)
tests_unit_test_records_fleet_SOURCES = tests/unit/test-records-fleet.c
tests_unit_test_records_fleet_LDADD = $(records_libs)
EXTRA_DIST += tests/fixtures/fleet-guide.json tests/fixtures/fleet-mended.json

fuzzers += tests/fuzz/fuzz-records tests/fuzz/fuzz-fleet \
	tests/fuzz/fuzz-fleet-csv
tests_fuzz_fuzz_fleet_csv_SOURCES = tests/fuzz/fuzz-fleet-csv.c $(fuzz_main)
tests_fuzz_fuzz_fleet_csv_LDADD = $(records_libs)
tests_fuzz_fuzz_fleet_csv_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_records_SOURCES = tests/fuzz/fuzz-records.c $(fuzz_main)
tests_fuzz_fuzz_records_LDADD = $(records_libs)
tests_fuzz_fuzz_records_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fleet_SOURCES = tests/fuzz/fuzz-fleet.c $(fuzz_main)
tests_fuzz_fuzz_fleet_LDADD = $(records_libs)
tests_fuzz_fuzz_fleet_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus-records tests/fuzz/corpus-fleet \
	tests/fuzz/corpus-fleet-csv
