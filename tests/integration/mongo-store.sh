#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# What every store must do (tests/unit/test-store.c), done by MongoDB: by a
# server alone, by a replica set over TLS with a password, and by another
# implementation where Maven and a JDK are there.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/lib-mongo.sh
. "$(dirname "$0")/lib-mongo.sh"
[ "$(id -u)" = 0 ] || skip_all "wants root: the server has a user"

conforms() { # conforms WHAT URI
	local start=$SECONDS log=$scratch/store.log
	env QUOIN_TEST_STORE="$2" "$top_builddir/tests/unit/test-store" \
		>"$log" 2>&1
	tap_result $? "$1: $(grep -c '^ok' "$log") in $((SECONDS - start)) s" ||
		tap_note "$(grep -A 3 '^not ok' "$log" | head -n 20)"
}

mongo_start "$scratch/plain"
conforms "$mongo_kind" "$(mongo_uri conformance)"
ok "a commit that ends between any two of its commands" \
	env QUOIN_TEST_STORE="$(mongo_uri cut)" \
	"$top_builddir/tests/unit/test-store-mongo" ||
	tap_note "$(grep -A 3 '^not ok' <<<"$out" | head -n 20)"
daemon_stop mongo

mongo_ca "$scratch/tls"
mongo_members=2
mongo_start "$scratch/secret" -cert "$scratch/tls/server.pem" \
	-user quoin:secret -set rs0
mongo_user=quoin:secret@
conforms "a replica set, over TLS with a password" \
	"$(mongo_uri conformance replicaSet=rs0 tls=true \
	"tlsCAFile=$scratch/tls/ca.pem")"
mongo_user=
daemon_stop mongo

# A second opinion; not worth a JDK on a machine that has none.
src=$top_srcdir/tests/fakes/mongo-java-server
java=${build:-$top_builddir}/interop-tools/mongo-java-server
java_build() {
	[ -d "$java/lib" ] || {
		mkdir -p "$java" && mvn -q -B -f "$src/pom.xml" \
			dependency:copy-dependencies \
			-DoutputDirectory="$java/lib.new" &&
			mv "$java/lib.new" "$java/lib"
	} >"$scratch/mvn.log" 2>&1
}
if command -v mvn >/dev/null && command -v javac >/dev/null; then
	ok "mongo-java-server builds" java_build
	free_port
	java -cp "$java/lib/*" \
		"$src/Server.java" "$REPLY" >"$scratch/java.log" 2>&1 &
	daemon_pid[java]=$!
	within 60 port_open "$REPLY"
	uri=mongodb://127.0.0.1:$REPLY
	# It has yet to compile itself, and a store waits for three seconds.
	env QUOIN_TEST_STORE="$uri/warm" "$top_builddir/tests/unit/test-store" \
		>/dev/null 2>&1
	conforms "mongo-java-server" "$uri/conformance"
	daemon_stop java
else
	tap_note "no Maven and JDK here: mongo-java-server was not asked"
fi
tap_done
