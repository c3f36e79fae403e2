# SPDX-License-Identifier: Apache-2.0
# The pages. dist/ is what quoin-webd serves: our modules as they are, and of
# npm's packages the few files that the browser needs, as vendor/. Their bare
# names become relative ones, since the pages' security policy leaves no room
# for an import map.

ui_sources = $(wildcard $(srcdir)/%reldir%/*.html \
	$(srcdir)/%reldir%/*.css $(srcdir)/%reldir%/*.svg \
	$(srcdir)/%reldir%/*.js $(srcdir)/%reldir%/lib/*.js \
	$(srcdir)/%reldir%/pages/*.js)
ui_npm = $(srcdir)/%reldir%/package.json $(srcdir)/%reldir%/package-lock.json
EXTRA_DIST += $(ui_sources) $(ui_npm) %reldir%/tsconfig.json \
	%reldir%/lib/types.d.ts %reldir%/lib/fleet.d.ts %reldir%/dist.sh

# What npm brings, as the lock file has it.
%reldir%/npm/stamp: $(ui_npm)
	$(AM_V_GEN)$(MKDIR_P) %reldir%/npm && \
	cp $(ui_npm) %reldir%/npm && \
	(cd %reldir%/npm && $(NPM) ci --ignore-scripts --no-audit --no-fund \
		--prefer-offline --loglevel=error >npm.log) && \
	touch $@

%reldir%/dist/stamp: $(ui_sources) %reldir%/npm/stamp %reldir%/dist.sh
	$(AM_V_GEN)$(SHELL) $(srcdir)/%reldir%/dist.sh $(srcdir)/%reldir% \
		%reldir%/npm/node_modules %reldir%/dist && touch $@

all-local: %reldir%/dist/stamp

install-data-local: %reldir%/dist/stamp
	rm -rf "$(DESTDIR)$(pkgdatadir)/ui"
	cd %reldir%/dist && for f in `find . -type f ! -name stamp`; do \
		d="$(DESTDIR)$(pkgdatadir)/ui/`dirname $$f`"; \
		$(MKDIR_P) "$$d" && $(INSTALL_DATA) $$f "$$d" || exit 1; \
	done

uninstall-local:
	rm -rf "$(DESTDIR)$(pkgdatadir)/ui"

clean-local:
	rm -rf %reldir%/npm %reldir%/dist

TESTS += %reldir%/check.sh
dist_check_SCRIPTS += %reldir%/check.sh
