# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += quoinctl
quoinctl_SOURCES = \
	%reldir%/batch.h \
	%reldir%/cmd_batch.c \
	%reldir%/cmd_config.c \
	%reldir%/cmd_device.c \
	%reldir%/cmd_hsm.c \
	%reldir%/cmd_journal.c \
	%reldir%/cmd_policy.c \
	%reldir%/cmd_status.c \
	%reldir%/commands.h \
	%reldir%/ctl.c \
	%reldir%/ctl.h \
	%reldir%/help.c \
	%reldir%/main.c \
	%reldir%/out.c \
	%reldir%/out.h
quoinctl_LDADD = librecords.a libsigner.a libx509.a libwire.a libbase.a \
	$(BSON_LIBS) $(JSONC_LIBS) $(OPENSSL_LIBS)
