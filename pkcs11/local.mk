# SPDX-License-Identifier: Apache-2.0
include %reldir%/token/local.mk
include %reldir%/signd/local.mk
EXTRA_DIST += %reldir%/THREATS.md %reldir%/TOKENS.md
include %reldir%/module/local.mk
