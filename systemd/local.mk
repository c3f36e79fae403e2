# SPDX-License-Identifier: Apache-2.0
systemdsystemunitdir = @systemdsystemunitdir@
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

units = %reldir%/quoin-signd.service %reldir%/quoin-recordd.service \
	%reldir%/quoin-enrold.service %reldir%/quoin-webd.service
systemdsystemunit_DATA = $(units)
dist_sysusers_DATA = %reldir%/sysusers.d/quoin.conf
dist_tmpfiles_DATA = %reldir%/tmpfiles.d/quoin.conf
CLEANFILES += $(units)
EXTRA_DIST += $(units:=.in) %reldir%/fence.in

%reldir%/%.service: %reldir%/%.service.in %reldir%/fence.in
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) '/^#/d' $(srcdir)/systemd/fence.in >$@.fence && \
	$(SED) -e '/^@fence@$$/{' -e 'r $@.fence' -e 'd' -e '}' $< | \
	$(SED) -e 's,@pkglibexecdir[@],$(pkglibexecdir),' \
		-e 's,@pkgsysconfdir[@],$(sysconfdir)/quoin,' >$@ && \
	rm -f $@.fence
