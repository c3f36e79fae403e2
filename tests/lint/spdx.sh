#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every source file says its licence at its top (TAP).
# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

# Sources, and whatever else begins as a script does.
check() {
	{
		sources "$1" '*.[ch]' '*.mk' '*.sh' '*.py' '*.js' '*.go' \
			'*.in' '*.[1-8]' '*.am' '*.ac' '*.m4'
		for f in configure.ac Makefile.am autotools systemd; do
			[ ! -e "$1/$f" ] || find "$1/$f" -type f \
				\( -name '*.ac' -o -name '*.am' \
				-o -name '*.m4' -o -name '*.in' \
				-o -name '*.c' -o -name '*.conf' \) \
				! -name Makefile.in
		done
		sources "$1" '*' | xargs -r grep -lIm1 '^#!' /dev/null
	} | sort -u | while read -r file; do
		head -n 2 "$file" | grep -q \
			'SPDX-License-Identifier: Apache-2.0' || echo "$file"
	done
}

clean_tree "every source file names its licence"
planted "a C file without" "x.c" appliance/base/x.c <<'END'
int x;
END
planted "a script without" "tests/run" tests/run <<'END'
#!/bin/sh
echo
END
planted "another licence" "x.mk" web/x.mk <<'END'
# SPDX-License-Identifier: MIT
END
finish
