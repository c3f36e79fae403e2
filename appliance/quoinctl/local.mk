# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += quoinctl
quoinctl_SOURCES = \
	%reldir%/batch.h \
	%reldir%/certset.c \
	%reldir%/certset.h \
	%reldir%/cmd_access.c \
	%reldir%/cmd_approve.c \
	%reldir%/cmd_batch.c \
	%reldir%/cmd_config.c \
	%reldir%/cmd_device.c \
	%reldir%/cmd_hsm.c \
	%reldir%/cmd_journal.c \
	%reldir%/cmd_journal_show.c \
	%reldir%/cmd_key.c \
	%reldir%/cmd_policy.c \
	%reldir%/cmd_sign.c \
	%reldir%/cmd_reconcile.c \
	%reldir%/cmd_status.c \
	%reldir%/cmd_user.c \
	%reldir%/commands.h \
	%reldir%/ctl.c \
	%reldir%/ctl.h \
	%reldir%/help.c \
	%reldir%/journal.h \
	%reldir%/key_rules.c \
	%reldir%/key_rules.h \
	%reldir%/main.c \
	%reldir%/out.c \
	%reldir%/out.h
quoinctl_LDADD = librecords.a libsigner.a libjournal.a libx509.a \
	libwire.a libbase.a \
	$(BSON_LIBS) $(JSONC_LIBS) $(OPENSSL_LIBS)

dist_man_MANS += appliance/man/quoinctl.1 appliance/man/quoin.conf.5
unit_tests += tests/unit/test-man
tests_unit_test_man_SOURCES = tests/unit/test-man.c
tests_unit_test_man_LDADD = libbase.a

# Completion comes from the program's own table.
bashcompdir = $(datadir)/bash-completion/completions
nodist_bashcomp_DATA = %reldir%/completion/quoinctl
CLEANFILES += %reldir%/completion/quoinctl
%reldir%/completion/quoinctl: quoinctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) %D%/completion && \
	./quoinctl completion bash >$@.new && mv $@.new $@
