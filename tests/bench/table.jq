# SPDX-License-Identifier: Apache-2.0
# From bench.json to what people read.
def left($n): tostring | . + " " * ([$n - length, 0] | max);
def right($n): tostring | " " * ([$n - length, 0] | max) + .;
def fix($n): if . == null then "-" else (. * pow(10; $n) | round) as $x |
	if $n == 0 then $x | tostring
	else ($x / pow(10; $n) | floor | tostring) + "." +
		("\($x % pow(10; $n))" | "0" * ($n - length) + .) end end;
.machine as $m |
"\($m.cpu), \($m.cores) cores, \($m.memory_mib) MiB; Linux \($m.kernel), Debian \($m.debian)",
"OpenSSL \($m.openssl), SoftHSM \($m.softhsm); \($m.disk), \($m.sync_ms | fix(2)) ms for a synced write",
"\($m.at), load before \($m.load_before), \(.seconds) s",
"",
"Signatures (P-256)       journal      in flight          /s   p50 us   p99 us",
(.signatures | sort_by([.op != "direct", .op != "tls", .journal != "disk",
	.journal != "tmpfs", .in_flight, .pinned])[] |
	("\({direct: "direct, no signd", tls: "TLS handshake",
		issue: "device certificate"}[.op])" | left(25)) +
	(.journal | left(13)) +
	("\(.in_flight)\(if .pinned then ", 1 CPU" else "" end)" | left(10)) +
	(.per_second | fix(0) | right(11)) + (.p50_us | fix(0) | right(9)) +
	(.p99_us | fix(0) | right(9))),
"",
(select(.core != []) |
"The signing core                                /s   p50 us   p99 us  slowest client  failed",
(.core[] | (.what | left(42)) + (.per_second | fix(0) | right(8)) +
	(.p50_us | fix(0) | right(9)) + (.p99_us | fix(0) | right(9)) +
	(.slowest | fix(2) | right(16)) + (.failed | fix(0) | right(8))),
""),
"Devices    disk          handshakes/s  enrolments/s  ratio   p50 ms   p99 ms",
(.enrolments | sort_by([.disk != "disk", .devices])[] |
	(.devices | left(11)) + (.disk | left(12)) +
	(.handshakes.per_second | fix(0) | right(14)) +
	(.per_second | fix(0) | right(14)) + (.ratio | fix(2) | right(7)) +
	(.p50_ms | fix(1) | right(9)) + (.p99_ms | fix(1) | right(9))),
"",
"Processor ms for one  enrold  signd  token recordd loadgen  total",
(.enrolments | sort_by(.devices)[] | select(.disk == "disk") |
	["handshake, \(.devices)", .handshakes.cpu_ms],
	["enrolment, \(.devices)", .cpu_ms] |
	(.[0] | left(20)) + (.[1] | (.enrold | fix(3) | right(8)) +
	(.signd | fix(3) | right(7)) + (.token | fix(3) | right(7)) +
	(.recordd | fix(3) | right(8)) + (.loadgen | fix(3) | right(8)) +
	(.total | fix(3) | right(7)))),
"cryptography alone   handshake \(.crypto_cpu.handshake_us / 1000 | fix(3)), enrolment \(.crypto_cpu.enrolment_us / 1000 | fix(3)) (sign \(.crypto_cpu.sign_us | fix(0)) us, verify \(.crypto_cpu.verify_us | fix(0)) us)",
"",
"Answers                                  /s   p50 ms  p99 ms  enrold recordd loadgen, us of processor",
(.polls[] | (.what | left(38)) + (.per_second | fix(0) | right(5)) +
	(.p50_ms | fix(2) | right(9)) + (.p99_ms | fix(2) | right(8)) +
	(.cpu_us | (.enrold | fix(0) | right(8)) +
	(.recordd | fix(0) | right(8)) + (.loadgen | fix(0) | right(8)))),
"",
(select(.pages != []) |
"Pages of devices                          of 100 p50 ms   p99 ms  of 1000 p50 ms   p99 ms",
(.pages[] | .devices as $d | .bytes as $b | .pages | group_by(.what)[] |
	sort_by(.limit) | ("\($d) \(.[0].what)" | left(38)) +
	(.[0].p50_ms | fix(2) | right(17)) + (.[0].p99_ms | fix(2) | right(9)) +
	(.[1].p50_ms | fix(2) | right(16)) + (.[1].p99_ms | fix(2) | right(9))),
(.pages[] | "Store of \(.devices) devices: \(.bytes / 1048576 | fix(0)) MiB"),
""),
(select(.web != []) |
"Web administration                                       /s   p50 ms  p99 ms",
(.web[] | (.what | left(52)) + (.per_second | fix(0) | right(7)) +
	(.p50_ms | fix(2) | right(9)) + (.p99_ms | fix(2) | right(8))),
(.uploads[] | "Upload of \(.devices) DeviceIDs, \(.type): \(.seconds | fix(2)) s; memory of quoin-webd at most \(.kib / 1024 | fix(0)) MiB"),
(.browser[] | "In Chromium, \(.what): \(.seconds | fix(2)) s"),
""),
(select(.stores != []) |
"Enrolments, the same devices         devices        /s   p50 ms   p99 ms",
(.stores[] | (.store | left(36)) + (.devices | right(8)) +
	(.per_second | fix(0) | right(10)) + (.p50_ms | fix(1) | right(9)) +
	(.p99_ms | fix(1) | right(9))),
""),
(.crl[] | "CRL of \(.entries) entries, \(.octets) octets: made and signed in \(.made_ms / 1000 | fix(2)) s, of which signd's check \(.check_ms / 1000 | fix(2)) s"),
(.absent[] | "Not measured: \(.what): \(.why)"),
(.load[] | "Load of \(.devices | left(8)) DeviceIDs: \(.seconds | fix(2)) s"),
(.memory[] | "Memory, \(.devices) devices: \(.mib | fix(1)) MiB (" +
	([.pss_kib | to_entries[] | "\(.key) \(.value / 1024 | fix(1))"] |
	join(", ")) + ")"),
"",
"Wanted                                              wanted  measured",
(.wanted[] | (.what | left(45)) +
	(({"ratio, at least": ">= ", "per second, at least": ">= ",
	"seconds, at most": "<= ", "at most": "<= ",
	"ms, at most": "<= ", "MiB, at most": "<= "}[.unit] + (.wanted | tostring) +
	({"seconds, at most": " s", "ms, at most": " ms", "MiB, at most": " MiB"}[.unit] // "")) |
	right(13)) + (.measured | fix(2) | right(10)))
