# SPDX-License-Identifier: Apache-2.0
# The device's side. The core is ISO C and stays so: it is compiled as such.

noinst_LIBRARIES += libquoin-device.a
libquoin_device_a_CFLAGS = $(AM_CFLAGS) -std=c11 -pedantic
libquoin_device_a_SOURCES = \
	%reldir%/qdev.c %reldir%/qdev.h \
	%reldir%/qdev_answer.c %reldir%/qdev_answer.h \
	%reldir%/qdev_http.c %reldir%/qdev_http.h \
	%reldir%/qdev_json.c %reldir%/qdev_json.h
