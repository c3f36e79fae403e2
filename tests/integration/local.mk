# SPDX-License-Identifier: Apache-2.0
# Not the folder: its like in the build tree would be packed with it.
EXTRA_DIST += $(wildcard $(srcdir)/tests/integration/*.sh) \
	$(wildcard $(srcdir)/tests/integration/*.py) \
	$(wildcard $(srcdir)/tests/interop/*)
