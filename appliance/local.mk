# SPDX-License-Identifier: Apache-2.0
include %reldir%/base/local.mk
include %reldir%/wire/local.mk
include %reldir%/signer/local.mk
include %reldir%/records/local.mk
include %reldir%/recordd/local.mk
include %reldir%/x509/local.mk
include %reldir%/enrold/local.mk
include %reldir%/quoinctl/local.mk
include %reldir%/device/local.mk
include %reldir%/doc/local.mk

dist_man_MANS += \
	%reldir%/man/quoin-enrold.8 \
	%reldir%/man/quoin-recordd.8 \
	%reldir%/man/quoin-signd.8 \
	%reldir%/man/quoin-token-init.8 \
	%reldir%/man/quoin-webd.8
