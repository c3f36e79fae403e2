#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# alone
# timeout: 150
# The benchmark runs, in the smallest way there is, and every figure of it is
# one. How fast anything was is no test.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip_all "wants root: daemons have users"

ok "run.sh --smoke" env TMPDIR="$scratch" \
	bash "$top_srcdir/tests/bench/run.sh" --smoke
like "$out" '^enrolment, 1000 ' "it prints a table"
json=$top_builddir/bench-smoke.json

# figures FILTER WHAT: every value that the filter gives is a number over 0.
figures() {
	ok "$2" jq -e "[$1] | length > 0 and all(type == \"number\" and
		. > 0)" "$json"
}

figures '.signatures[] | .per_second, .p50_us, .p99_us' "signatures"
is "$(jq '.signatures | length' "$json")" 21 "each way to sign"
figures '.enrolments[] | .per_second, .handshakes.per_second, .ratio' \
	"enrolments beside handshakes"
is "$(jq -c '[.enrolments[] | [.devices, .disk]]' "$json")" \
	'[[100,"disk"],[100,"disk + 5 ms"],[1000,"disk"]]' "each store"
figures '.crypto_cpu[], .load[].seconds, .memory[].pss_kib[]' \
	"cryptography, load, memory"
figures '.pages[].pages[] | .p50_ms, .p99_ms, .of_page' "pages of devices"
figures '.web[] | .p50_ms, .p99_ms' "answers of the web"
figures '.uploads[].seconds' "uploads"
figures '.crl[].made_ms, .stores[].per_second' "CRL, stores"
figures '.core[] | .per_second, .p50_us, .p99_us' "the signing core"
is "$(jq -c '[.core[] | .failed // 0] | add' "$json")" 0 "nothing of it failed"
figures '.wanted[] | select(.wanted != 0) | .wanted, .measured' \
	"what is wanted, and what is"
tap_done
