# SPDX-License-Identifier: Apache-2.0
# PROTOCOL.md is kept in the tree and held against the tables by a test:
# `make protocol` writes it anew.
check_PROGRAMS += %reldir%/gen-protocol
appliance_doc_gen_protocol_SOURCES = %reldir%/gen-protocol.c
appliance_doc_gen_protocol_LDADD = librecords.a libsigner.a libtokenops.a \
	libwire.a libbase.a $(BSON_LIBS) $(JSONC_LIBS)
dist_doc_DATA += %reldir%/PROTOCOL.md
TESTS += tests/integration/protocol.sh
dist_check_SCRIPTS += tests/integration/protocol.sh

.PHONY: protocol
protocol: appliance/doc/gen-protocol
	$(AM_V_GEN)appliance/doc/gen-protocol \
		>$(top_srcdir)/appliance/doc/PROTOCOL.md
