# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += librecords.a
librecords_a_SOURCES = \
	%reldir%/actions.c \
	%reldir%/actions.h \
	%reldir%/client.c \
	%reldir%/client.h \
	%reldir%/fleet.c \
	%reldir%/fleet.h \
	%reldir%/load.c \
	%reldir%/load.h \
	%reldir%/rec_bson.c \
	%reldir%/rec_json.c \
	%reldir%/records.c \
	%reldir%/records.h \
	%reldir%/records_ops.c \
	%reldir%/records_ops.h
