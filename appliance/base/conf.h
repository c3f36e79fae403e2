// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * One configuration file for all processes of an appliance (quoin.conf(5)):
 *
 *	# comment
 *	key = value
 *
 * Keys are one table, so that an unknown key, a value out of range or a key
 * given twice makes every program refuse to start, with the line number.
 * ${state} in a value is replaced by the value of `state`.
 *	X(field, key, kind, low, high, default, text)
 * kinds: STR (low..high = length), INT (low..high), BOOL.
 */
#define CONF_TABLE(X)                                                         \
	X(state, "state", STR, 1, 512, "/var/lib/quoin",                      \
	    "folder of everything that is kept")                              \
	X(run, "run", STR, 1, 90, "/run/quoin", "folder of the sockets")      \
	X(name, "name", STR, 1, 253, "localhost",                             \
	    "host name used until `quoinctl config name` sets one")           \
	X(log_level, "log.level", INT, 3, 7, 6,                               \
	    "3 errors, 4 warnings, 5 notices, 6 information, 7 debug")        \
	X(roles, "roles", STR, 1, 1024,                                       \
	    "root=admin quoin-enrold=enrol quoin-webd=web",                   \
	    "user=role, separated by blanks")                                 \
	X(signd_threads, "signd.threads", INT, 2, 256, 32,                    \
	    "requests worked on at a time")                                   \
	X(token_module, "token.module", STR, 1, 512,                          \
	    "/usr/lib/softhsm/libsofthsm2.so", "the PKCS#11 module")          \
	X(token_env, "token.env", STR, 0, 512, "",                            \
	    "NAME=value... set for the module, e.g. SOFTHSM2_CONF=...")          \
	X(token_label, "token.label", STR, 1, 32, "quoin",                    \
	    "label of the token")                                             \
	X(token_pin, "token.pin_file", STR, 1, 512, "${state}/pin",           \
	    "file with the PIN; a systemd credential `pin` goes before it")   \
	X(token_worker, "token.worker", STR, 1, 512,                          \
	    PKGLIBEXECDIR "/quoin-token", "the token worker's program")       \
	X(token_threads, "token.threads", INT, 1, 64, 1,                      \
	    "sessions that sign at a time; 1 is fastest on SoftHSM")          \
	X(token_deadline, "token.deadline_ms", INT, 50, 60000, 5000,          \
	    "a call that takes longer gets the worker killed")                \
	X(token_init, "token.init", STR, 0, 512, "",                          \
	    "text for C_Initialize's pReserved, which NSS wants")             \
	X(token2_module, "token2.module", STR, 0, 512, "",                    \
	    "the second token's PKCS#11 module; empty: there is none")        \
	X(token2_env, "token2.env", STR, 0, 512, "",                          \
	    "NAME=value... set for the second token's module")                   \
	X(token2_label, "token2.label", STR, 1, 32, "quoin2",                 \
	    "label of the second token")                                      \
	X(token2_pin, "token2.pin_file", STR, 1, 512, "${state}/pin2",        \
	    "file with its PIN; a systemd credential `pin2` goes before it")  \
	X(token2_threads, "token2.threads", INT, 1, 64, 1,                    \
	    "sessions of it that sign at a time")                             \
	X(token2_deadline, "token2.deadline_ms", INT, 50, 60000, 5000,        \
	    "a call that takes longer gets its worker killed")                \
	X(token2_init, "token2.init", STR, 0, 512, "",                        \
	    "text for its C_Initialize's pReserved")                          \
	X(journal_head_records, "journal.head_records", INT, 1, 1000000,      \
	    1000, "the journal's head is signed after so many records")       \
	X(journal_head_seconds, "journal.head_seconds", INT, 1, 86400, 60,    \
	    "and after so many seconds, if there are any")                    \
	X(store, "store", STR, 1, 512, "sqlite:${state}/records/quoin.db",    \
	    "where the records are")                                          \
	X(recordd_threads, "recordd.threads", INT, 1, 64, 4,                  \
	    "requests worked on at a time")                                   \
	X(device_address, "device.address", STR, 0, 64, "",                   \
	    "address of the device port; empty: all")                         \
	X(device_port, "device.port", INT, 1, 65535, 6000,                    \
	    "TLS port for devices")                                           \
	X(device_workers, "device.workers", INT, 4, 1024, 64,                 \
	    "connections served at a time; others wait parked")               \
	X(device_parked, "device.parked", INT, 16, 1000000, 16384,            \
	    "parked connections")                                             \
	X(device_per_address, "device.parked_per_address", INT, 1, 1000000,   \
	    256, "parked connections of one address")                         \
	X(device_body, "device.body_max", INT, 1024, 1048576, 65536,          \
	    "largest request body in bytes")                                  \
	X(crl_port, "crl.port", INT, 1, 65535, 6080,                          \
	    "plain HTTP port for CRLs and CA certificates")                   \
	X(crl_hours, "crl.hours", INT, 1, 8760, 24,                           \
	    "a CRL's nextUpdate, hours ahead")                                \
	X(crl_delta_bytes, "crl.delta_bytes", INT, 0, 1000000000, 1048576,    \
	    "a CRL longer than this has delta CRLs")                          \
	X(ocsp_hours, "ocsp.hours", INT, 1, 168, 24,                          \
	    "an OCSP answer's nextUpdate, hours ahead")                       \
	X(ocsp_max_age, "ocsp.max_age", INT, 0, 604800, 300,                  \
	    "seconds that HTTP caches may keep an OCSP answer")               \
	X(ocsp_rate, "ocsp.rate", INT, 0, 100000, 500,                        \
	    "OCSP answers signed ahead in a second; 0: none")                 \
	X(poll_seconds, "device.poll_seconds", INT, 1, 604800, 3600,          \
	    "how often a device asks for its status, at least")               \
	X(poll_rate, "device.polls_per_second", INT, 1, 100000, 500,          \
	    "status requests per second the fleet may add up to")             \
	X(hub_port, "hub.port", INT, 1, 65535, 8883,                          \
	    "port of the local hub that devices are told")                    \
	X(admin_address, "admin.address", STR, 0, 64, "",                     \
	    "address of the web administration; empty: all")                  \
	X(admin_port, "admin.port", INT, 1, 65535, 8443,                      \
	    "TLS port of the web administration")                             \
	X(admin_workers, "admin.workers", INT, 4, 256, 32,                    \
	    "its requests served at a time")                                  \
	X(admin_ui, "admin.ui", STR, 1, 512, PKGDATADIR "/ui",                \
	    "folder of its pages")

#define CONF_STR_FIELD(field, low, high) char field[(high) + 1];
#define CONF_INT_FIELD(field, low, high) int64_t field;
#define CONF_BOOL_FIELD(field, low, high) int64_t field;

struct conf {
#define X(field, key, kind, low, high, dflt, text) \
	CONF_##kind##_FIELD(field, low, high)
	CONF_TABLE(X)
#undef X
};

/* Defaults, then the file (NULL: defaults alone). CONFIG with the line in f. */
enum q_err conf_load(const char *path, struct conf *ret_conf,
    struct fault *f) Q_CHECKED;

/* The same from memory: what the fuzzer drives. */
enum q_err conf_parse(const char *text, size_t len, struct conf *ret_conf,
    struct fault *f) Q_CHECKED;

/* Print the effective configuration, readable by conf_load; with comments
 * when `explain`. */
void conf_print(const struct conf *c, int explain);

/* Where a service listens: ${run}/SERVICE/SERVICE.sock. The folder is the
 * service's own, so that no other process can put its socket there. out
 * holds CONF_SOCKET_MAX bytes. */
#define CONF_SOCKET_MAX 108
enum q_err conf_socket(const struct conf *c, const char *service,
    char *out) Q_CHECKED;

/* What every daemon's main begins with: -c FILE, -t (check and leave),
 * -T (print and leave), opens the log under `name`. Leaves the process with
 * the documented exit code when there is nothing to run. */
void conf_main(int argc, char **argv, const char *name,
    struct conf *ret_conf);

#endif
