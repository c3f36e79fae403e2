#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Refuse an #include that crosses a layer or a fence (TAP).
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

check() {
	sources "$1" '*.c' '*.h' | sed "s,^$1/,," | grep -v '^tests/' |
		(cd "$1" && xargs -r grep -HE '^[[:space:]]*#[[:space:]]*include') |
		awk -v layers="$top_srcdir/tests/lint/layers" \
			-v fences="$top_srcdir/tests/lint/fences" '
	function glob(s) {
		gsub(/[.+]/, "\\\\&", s)
		gsub(/\*/, ".*", s)
		return "^" s "$"
	}
	function may(file, list,   i, n, p) {
		n = split(list, p, " ")
		for (i = 1; i <= n; i++)
			if (file ~ glob(p[i]))
				return 1
		return 0
	}
	function read_table(path, table,   line, key) {
		while ((getline line < path) > 0) {
			if (line ~ /^(#|$)/)
				continue
			key = line
			sub(/[ \t].*/, "", key)
			sub(/^[^ \t]+[ \t]+/, "", line)
			table[key] = line
		}
	}
	# Is the fenced header h reached from this file through ours?
	function reaches(file, h,   i, n, inc) {
		if ((file, h) in known)
			return known[file, h]
		known[file, h] = ""
		n = split(theirs[file], inc, " ")
		for (i = 1; i <= n; i++) {
			if (inc[i] ~ glob(h))
				return known[file, h] = inc[i]
			if (inc[i] in home && reaches(home[inc[i]], h))
				return known[file, h] = inc[i]
		}
		return ""
	}
	BEGIN { read_table(layers, layer); read_table(fences, fence) }
	{
		file = $0
		sub(/:.*/, "", file)
		inc = $0
		sub(/^[^"<]*["<]/, "", inc)
		sub(/[">].*/, "", inc)
		dir = file
		sub(/\/[^\/]*$/, "", dir)
		theirs[file] = theirs[file] " " inc
		own = file
		sub(/^[^\/]*\//, "", own)
		home[own] = file
		for (h in fence)
			if (h !~ /^\+/ && inc ~ glob(h) && !may(file, fence[h]))
				print file ": \"" inc "\" is fenced off"
		if (!(dir in layer)) {
			if (!(dir in told))
				print dir ": no row in tests/lint/layers"
			told[dir] = 1
			next
		}
		if ($0 !~ /include[ \t]*"/ || inc == "config.h")
			next
		if (inc ~ /^civetweb[^\/]*$/)
			next
		top = inc
		if (!sub(/\/.*/, "", top))
			print file ": \"" inc "\" lacks its folder"
		else if (index(" " layer[dir] " ", " " top " ") == 0)
			print file ": \"" inc "\" crosses a layer"
	}
	END {
		for (f in theirs)
			for (h in fence) {
				if (h !~ /^\+/ || may(f, fence[h]))
					continue
				by = reaches(f, substr(h, 2))
				if (by)
					print f ": \"" by "\" is fenced off"
			}
	}' | sort -u
}

clean_tree "every include keeps to the layers and fences"
planted "an include that goes up" "crosses a layer" appliance/base/x.c <<'END'
#include "wire/frame.h"
END
planted "a daemon that includes another" "crosses a layer" \
	appliance/enrold/x.c <<'END'
#include "recordd/store.h"
END
planted "signd that reads records" "crosses a layer" pkcs11/signd/x.h <<'END'
#  include "records/client.h"
END
planted "an include without its folder" "lacks its folder" \
	appliance/wire/x.c <<'END'
#include "frame.h"
END
planted "pkcs11.h outside the worker" "fenced off" pkcs11/signd/x.c <<'END'
#include <p11-kit/pkcs11.h>
END
planted "json.h in signd" "fenced off" pkcs11/signd/x.c <<'END'
#include <json-c/json.h>
END
mkdir -p "$scratch/through/pkcs11/token" "$scratch/through/pkcs11/signd"
echo '#include <p11-kit/pkcs11.h>' >"$scratch/through/pkcs11/token/p11.h"
echo '#include "token/p11.h"' >"$scratch/through/pkcs11/signd/x.c"
out=$(check "$scratch/through")
want='pkcs11/signd/x.c: "token/p11.h" is fenced off'
result "$([ "$out" = "$want" ] && echo ok || echo not ok)" \
	"finds pkcs11.h behind a header of ours"
planted "sqlite3.h outside the store" "fenced off" \
	appliance/recordd/main.c <<'END'
#include <sqlite3.h>
END
planted "civetweb.h outside web/http" "fenced off" \
	appliance/enrold/x.c <<'END'
#include "civetweb.h"
END
planted "a folder without a row" "no row" appliance/other/x.c <<'END'
#include "base/err.h"
END
finish
