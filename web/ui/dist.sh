#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Make the folder that quoin-webd serves: dist.sh SOURCE NODE_MODULES DIST
set -eu
source=$1 modules=$2 dist=$3

# Bare names to the files of vendor/, seen from the folder $1.
relative() {
	sed -e "s,\([\"']\)preact/hooks[\"'],\1$1hooks.js\1,g" \
		-e "s,\([\"']\)preact[\"'],\1$1preact.js\1,g" \
		-e "s,\([\"']\)htm[\"'],\1$1htm.js\1,g" \
		-e "s,\([\"']\)@preact/\(signals\(-core\)*\)[\"'],\1$1\2.js\1,g" \
		-e '/^\/\/# sourceMappingURL=/d'
}

rm -rf "$dist"
mkdir -p "$dist/lib" "$dist/pages" "$dist/vendor"
cp "$source"/*.css "$source"/*.svg "$source"/*.js "$dist"
cp "$source"/lib/*.js "$dist/lib"
cp "$source"/pages/*.js "$dist/pages"
rm -f "$dist"/lib/*.test.js
relative ../vendor/ <"$source/lib/preact.js" >"$dist/lib/preact.js"
while read -r name file; do
	relative ./ <"$modules/$file" >"$dist/vendor/$name.js"
done <<'END'
preact preact/dist/preact.mjs
hooks preact/hooks/dist/hooks.mjs
htm htm/dist/htm.mjs
signals @preact/signals/dist/signals.mjs
signals-core @preact/signals-core/dist/signals-core.mjs
END
for name in preact htm @preact/signals; do
	echo "$name"
	cat "$modules/$name/LICENSE"
done >"$dist/vendor/LICENSES.txt"
# The browser asks for every module at once, not for one after the other.
(cd "$dist" && for f in vendor/*.js lib/*.js pages/*.js pages.js; do
	[ "$f" = lib/pow-worker.js ] ||
		echo "<link rel=\"modulepreload\" href=\"$f\">"
done) >"$dist/preload"
sed -e "/<!-- modulepreload -->/{r $dist/preload" -e 'd;}' \
	"$source/index.html" >"$dist/index.html"
rm "$dist/preload"
chmod -R u+w "$dist"
if grep -rnE "(} *from|import) *\(?[\"'][@a-z][a-z0-9@/-]*[\"']" \
	"$dist" --include='*.js'; then
	echo "dist.sh: names a module that the browser cannot find" >&2
	exit 1
fi
