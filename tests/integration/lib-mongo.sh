# shellcheck shell=bash disable=SC2154,SC2034 # lib.sh has the others
# SPDX-License-Identifier: Apache-2.0
# A MongoDB server for tests. To be sourced after lib.sh.
#
#	mongo_start DIR [option...]	its data in DIR; ready when this returns
#	mongo_uri NAME [option=...]	address of a database of that name
#	daemon_stop mongo [SIGNAL]	and mongo_start DIR has it back
#
# Which one: QUOIN_TEST_MONGODB_URI (the address of one that runs), or else
# mongod where it is on the PATH, or else tests/fakes/mongo-server, which is
# built on first use: by any Go from 1.22 on, or by the one that Debian 12's
# fetches as a module. Options are mongo-server's; the others are not asked
# when there are any.

mongo_kind= # uri, mongod or fake
mongo_host= # address and port
mongo_user= # "NAME:PASSWORD@", for mongo_uri
mongo_members=1 # ports of the next server, for its option -set

# A Go that can build it, in $REPLY.
mongo_go() {
	local go old=/usr/lib/go-1.19/bin/go
	local at=golang.org/toolchain@v0.0.1-go1.22.12.linux
	for go in "$(command -v go)" /usr/lib/go/bin/go "$old"; do
		REPLY=$go
		[ -x "$go" ] && [ "$("$go" env GOVERSION |
			sed 's/go1\.\([0-9]*\).*/\1/')" -ge 22 ] && return
	done
	[ -x "$old" ] || {
		echo "neither Go 1.22 nor golang-go of Debian 12"
		return 1
	}
	at=$at-$("$old" env GOARCH)
	go=$("$old" mod download -json "$at" |
		sed -n 's/.*"\(Dir\|Error\)": "\(.*\)".*/\2/p')
	[ -d "$go" ] || {
		echo "$go"
		return 1
	}
	# Modules have no file modes.
	chmod -R u+w "$go" && chmod +x "$go"/bin/* "$go"/pkg/tool/*/*
	REPLY=$go/bin/go
}

# mongo-server's program in $REPLY; built once for all build trees.
mongo_build() {
	local src=$top_srcdir/tests/fakes/mongo-server tools log
	tools=${build:-$top_builddir}/interop-tools
	log=$tools/mongo-server.log
	mkdir -p "$tools"
	(
		flock 9
		[ ! -x "$tools/mongo-server" ] ||
			[ -n "$(find "$src" -newer "$tools/mongo-server")" ] ||
			exit 0
		mongo_go && cd "$src" &&
			GOFLAGS=-mod=readonly CGO_ENABLED=0 GOTOOLCHAIN=local \
				"$REPLY" build -tags ferretdb_no_postgresql \
				-o "$tools/mongo-server" . &&
			touch "$tools/mongo-server"
	) 9>"$tools/mongo-server.lock" >"$log" 2>&1 ||
		skip_all "mongo-server cannot be built: $(tail -n 1 "$log")"
	REPLY=$tools/mongo-server
}

# mongo_start DIR [option...]: the same port and options when started again.
mongo_start() {
	local dir=$1 n ports=
	shift
	if [ -n "${QUOIN_TEST_MONGODB_URI-}" ] && [ $# = 0 ]; then
		mongo_kind=uri
		return
	fi
	if [ ! -d "$dir" ]; then
		install -d -m 0755 "$dir"
		install -d -m 0700 -o "${daemon_uid[mongo]}" "$dir/data"
		printf '%s\n' "$@" >"$dir/options"
		for ((n = 0; n < mongo_members; n++)); do
			free_port
			ports="$ports${ports:+,}127.0.0.1:$REPLY"
		done
		echo "$ports" >"$dir/address"
		if [ $# -gt 0 ] || ! command -v mongod >/dev/null; then
			mongo_build
			install -m 0755 "$REPLY" "$dir/mongo-server"
		fi
	fi
	mongo_spawn "$dir"
	within 20 port_open "${mongo_host##*:}" ||
		bail "no MongoDB server: $(tail "$dir/log")"
}

# Nothing is compressed, so that a search through the files finds what is in
# them; the server ends with the script, however that ends.
mongo_spawn() {
	local dir=$1 options=()
	mongo_host=$(cat "$dir/address")
	if [ -x "$dir/mongo-server" ]; then
		mongo_kind=fake
		mapfile -t options < <(grep . "$dir/options")
		set -- "$dir/mongo-server" -dir "$dir/data" \
			-listen "$mongo_host" "${options[@]}"
	else
		mongo_kind=mongod
		set -- mongod --dbpath "$dir/data" --nounixsocket \
			--bind_ip 127.0.0.1 --port "${mongo_host#*:}" \
			--wiredTigerCollectionBlockCompressor none \
			--wiredTigerJournalCompressor none
	fi
	run_as mongo setpriv --pdeathsig KILL "$@" </dev/null \
		>>"$dir/log" 2>&1 &
	daemon_pid[mongo]=$!
}

# mongo_uri NAME [option=value...]
mongo_uri() {
	local name=$1 host=$mongo_user$mongo_host query=
	shift
	if [ "$mongo_kind" = uri ]; then
		# One of its own for each run: it is somebody's server.
		name=${name}_$$_$RANDOM host=${QUOIN_TEST_MONGODB_URI#*://}
		case $host in *\?*) query=${host#*\?} ;; esac
		host=${host%%[/?]*}
	fi
	local IFS='&'
	query=$query${query:+${*:+&}}$*
	echo "mongodb://$host/$name${query:+?$query}"
}

# mongo_ca DIR: a CA in ca.pem, and the server's certificate with its key in
# server.pem.
mongo_ca() {
	install -d -m 0755 "$1"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1/ca.key" -out "$1/ca.pem" -subj "/CN=${1##*/}" \
		-days 2 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$1/server.key" -out "$1/server.csr" \
		-subj /CN=localhost 2>/dev/null
	openssl x509 -req -in "$1/server.csr" -CA "$1/ca.pem" \
		-CAkey "$1/ca.key" -CAcreateserial -days 2 \
		-out "$1/server.crt" -extfile <(echo \
		subjectAltName=IP:127.0.0.1,DNS:localhost) 2>/dev/null
	cat "$1/server.crt" "$1/server.key" >"$1/server.pem"
	chown "${daemon_uid[mongo]}" "$1/server.pem"
}
