#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PROTOCOL.md is what the ops tables say.
if "${top_builddir:-.}/appliance/doc/gen-protocol" |
	diff "${top_srcdir:-.}/appliance/doc/PROTOCOL.md" - | sed 's/^/# /' |
	head -20 | grep .; then
	echo "not ok 1 - PROTOCOL.md: run make protocol"
else
	echo "ok 1 - PROTOCOL.md"
fi
echo 1..1
