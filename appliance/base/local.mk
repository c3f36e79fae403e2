# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%reldir%/buf.c \
	%reldir%/buf.h \
	%reldir%/clock.c \
	%reldir%/clock.h \
	%reldir%/codec.c \
	%reldir%/codec.h \
	%reldir%/conf.c \
	%reldir%/conf.h \
	%reldir%/err.c \
	%reldir%/err.h \
	%reldir%/fsio.c \
	%reldir%/fsio.h \
	%reldir%/log.c \
	%reldir%/log.h \
	%reldir%/own.h \
	%reldir%/secret.c \
	%reldir%/secret.h
