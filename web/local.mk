# SPDX-License-Identifier: Apache-2.0
include %reldir%/http/local.mk
include %reldir%/webd/local.mk
include %reldir%/ui/local.mk
