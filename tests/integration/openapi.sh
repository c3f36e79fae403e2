#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# openapi.yaml is what the route and record tables say.
if "${top_builddir:-.}/web/webd/gen-openapi" |
	diff "${top_srcdir:-.}/web/webd/openapi.yaml" - | sed 's/^/# /' |
	head -20 | grep .; then
	echo "not ok 1 - openapi.yaml: run make openapi"
else
	echo "ok 1 - openapi.yaml"
fi
echo 1..1
