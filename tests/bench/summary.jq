# SPDX-License-Identifier: Apache-2.0
# From the lines of figures that run.sh notes to bench.json.
def kind($k): map(select(.kind == $k).v);
def median: sort | if length == 0 then null
	elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def round3: if . == null then null else . * 1000 | round / 1000 end;
# Lines with the same keys become one, with the medians of their numbers.
def medians(key; fields): group_by(key) | map(. as $g | .[0] + ([fields] |
	map({key: ., value: (. as $f | $g | map(.[$f]) | median)}) |
	from_entries) + {turns: length});
def cpu: map(.cpu_ms) | . as $all | .[0] | with_entries(.key as $k |
	.value = ($all | map(.[$k]) | median | round3)) |
	. + {total: (add | round3)};
def loads: group_by([.devices, .disk]) | map({devices: .[0].devices,
	disk: .[0].disk, turns: length,
	per_second: (map(.per_second) | median),
	p50_ms: (map(.p50_ms) | median), p99_ms: (map(.p99_ms) | median),
	cpu_ms: cpu});
def polls: group_by(.what) | map({what: .[0].what, turns: length,
	per_second: (map(.per_second) | median),
	p50_ms: (map(.p50_ms) | median), p99_ms: (map(.p99_ms) | median),
	cpu_us: (map(.cpu_us) | . as $all | .[0] | with_entries(.key as $k |
		.value = ($all | map(.[$k]) | median | round3)))});
def wanted($what; $unit; $wanted; $measured): {$what, $unit, $wanted,
	measured: ($measured | round3)};

(kind("signatures") | medians([.op, .journal, .in_flight, .pinned];
	"per_second", "p50_us", "p99_us")) as $sig |
(kind("core") | medians([.what]; "per_second", "p50_us", "p99_us",
	"slowest", "failed")) as $core |
def core($what): ($core[] | select(.what == $what) | .per_second) // null;
def over($a; $b): if $a == null or $b == null then null else $a / $b end;
(kind("handshake") | loads) as $shakes |
(kind("enrol") | loads | map(. as $e | . + {
	handshakes: ($shakes[] | select(.devices == $e.devices and
		.disk == $e.disk))} |
	. + {ratio: (.per_second / .handshakes.per_second | round3)})) as $enrol |
($enrol | map(select(.disk == "disk")) | sort_by(.devices)) as $plain |
kind("load") as $load |
(kind("poll") | polls) as $polls |
def polled($what): $polls[] | select(.what == $what) | .per_second;
(kind("pages") | sort_by(.devices)) as $pages |
(kind("crl") | medians([.entries]; "made_ms", "fill_ms", "walk_ms",
	"check_ms")) as $crl |
(kind("memory") | group_by(.devices) | map({devices: .[0].devices,
	pss_kib: (map({key: .daemon, value: .pss_kib}) | from_entries)} |
	. + {mib: (.pss_kib | add / 1024 | round3)})) as $memory |
def rate($op; $journal; $n): $sig[] | select(.op == $op and
	.journal == $journal and .in_flight == $n and (.pinned | not)) |
	.per_second;
{
	machine: kind("machine")[0],
	seconds: kind("seconds")[0],
	crypto_cpu: (kind("crypto") | . as $c | .[0] | with_entries(.key as $k |
		.value = ($c | map(.[$k]) | median))),
	signatures: $sig,
	core: $core,
	enrolments: $enrol,
	polls: $polls,
	pages: $pages,
	crl: $crl,
	stores: (kind("store") | medians([.store]; "per_second", "p50_ms",
		"p99_ms")),
	web: kind("web"),
	uploads: kind("upload"),
	browser: kind("browser"),
	load: $load,
	memory: $memory,
	absent: kind("absent"),
	wanted: [
		($plain[] | wanted("enrolments / handshakes, \(.devices) devices";
			"ratio, at least"; 0.45; .ratio)),
		($plain[1:][] | wanted("enrolments, \(.devices) / \($plain[0].devices) devices";
			"ratio, at least"; if .devices > 1000000 then 0.8
			else 0.9 end; .per_second / $plain[0].per_second)),
		($load | map(select(.devices <= 1000000))[-1] |
			wanted("load of \(.devices) DeviceIDs";
			"seconds, at most"; 10; .seconds)),
		($pages[-1:][] | wanted("slowest kind of page, p99, \(.devices) devices";
			"ms, at most"; 50; .pages | map(.p99_ms) | max)),
		(kind("web") | map(select(.what != "devices revoked")) |
			select(length > 0) |
			wanted("slowest page of the web, p99, 200 batches";
			"ms, at most"; 50; map(.p99_ms) | max)),
		(kind("upload") | select(length > 0) |
			wanted("upload of \(.[0].devices) DeviceIDs";
			"seconds, at most"; 20; map(.seconds) | max)),
		(kind("browser")[] | select(.what != "the slowest of them") |
			wanted("in Chromium, \(.what)";
			"seconds, at most"; if .what | startswith("a list")
			then 20 else 1 end; .seconds)),
		($crl[] | wanted("CRL of \(.entries) entries made and signed";
			"seconds, at most"; 2; .made_ms / 1000)),
		wanted("status polls, TLS, kept"; "per second, at least"; 15000;
			polled("status, TLS, kept")),
		wanted("small GETs, plain, kept"; "per second, at least"; 40000;
			polled("GET of a CA certificate, plain, kept")),
		wanted("OCSP answers, kept, plain"; "per second, at least";
			40000; polled("OCSP, kept answers (GET)")),
		wanted("OCSP answers, signed, plain"; "per second, at least";
			8000; polled("OCSP, signed when asked (nonce)")),
		wanted("TLS signatures, 16 in flight / direct"; "ratio, at least";
			0.75; rate("tls"; "disk"; 16) / rate("direct"; "none"; 16)),
		wanted("the same, 5 ms more for each fdatasync";
			"ratio, at least"; 0.7; rate("tls"; "disk + 5 ms"; 16)
			/ rate("direct"; "none"; 16)),
		wanted("certificates, 16 in flight"; "per second, at least";
			4000; rate("issue"; "disk"; 16)),
		wanted("certificates issued and recorded";
			"per second, at least"; 3000;
			core("certificates issued and recorded")),
		wanted("TLS signatures, 1 in flight, 1 CPU / direct";
			"ratio, at least"; 0.8;
			over(core("TLS signatures, 1 in flight, 1 CPU");
			core("direct, 1 in flight, 1 CPU"))),
		wanted("handshakes, key in the token / here";
			"ratio, at least"; 0.9;
			over(core("handshakes, 64 threads, key in the token");
			core("handshakes, 64 threads, key here"))),
		($core | map(select(.what | test("one key of [0-9]+"))) |
			sort_by(.what | capture("of (?<n>[0-9]+)").n | tonumber) |
			select(length > 1) |
			wanted("\(.[-1].what) / of 1"; "ratio, at least"; 0.9;
			.[-1].per_second / .[0].per_second)),
		($core[] | select(.what == "TLS signatures, 200 clients") |
			wanted("200 clients: the slowest one\u0027s share / the mean";
			"ratio, at least"; 0.5; .slowest)),
		wanted("P-256 beside RSA-3072 / alone"; "ratio, at least"; 0.5;
			over(core("P-256, 8 clients, beside RSA-3072");
			core("P-256, 8 clients, nothing beside"))),
		($core[] | select(.what == "16 clients, the worker killed") |
			wanted("failed requests over a killed worker";
			"at most"; 0; .failed)),
		wanted("memory of all daemons, \($memory[-1].devices) devices";
			"MiB, at most"; 128; $memory[-1].mib)
	]
}
