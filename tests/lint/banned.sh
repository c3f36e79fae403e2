#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Refuse calls of functions that cannot be used safely (TAP).
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016 # awk's own $0
check() {
	sources "$1" '*.c' '*.h' | xargs -r awk '
	BEGIN {
		banned = "(^|[^A-Za-z0-9_.>])(strcpy|strcat|sprintf|vsprintf" \
			"|gets|atoi|atol|strtok|alloca|system|popen|rand" \
			"|srand)[ \t]*\\("
	}
	FNR == 1 { comment = 0 }
	{
		code = $0
		gsub(/\\["\\]/, "", code)
		gsub(/"[^"]*"/, "\"\"", code)
		gsub(/\/\*([^*]|\*[^\/])*\*\//, " ", code)
		sub(/\/\/.*/, "", code)
		if (comment) {
			if (!sub(/^.*\*\//, "", code))
				next
			comment = 0
		}
		if (sub(/\/\*.*/, "", code))
			comment = 1
		if (code ~ banned)
			print FILENAME ":" FNR ": " $0
	}'
}

clean_tree "no banned function is called"
planted "strcpy" "x.c:2" appliance/base/x.c <<'END'
/* strcat(a, b) in a comment is none */
	strcpy(a, "system(1)");
END
planted "rand after a comment" "x.h:3" pkcs11/signd/x.h <<'END'
/* two
 * lines */
static int n = rand ();
END
planted "popen in a test" "x.c:1" tests/unit/x.c <<'END'
	f = popen("id", "r");
END
finish
