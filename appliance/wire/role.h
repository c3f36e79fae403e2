// SPDX-License-Identifier: Apache-2.0
#ifndef WIRE_ROLE_H
#define WIRE_ROLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Who a peer is: one role per system user, by `roles` of quoin.conf(5). */
#define ROLE_TABLE(X)                                                    \
	X(ADMIN, 0, "admin", "the machine's administrator: quoinctl as root") \
	X(ENROL, 1, "enrol", "quoin-enrold, the device port")            \
	X(WEB, 2, "web", "quoin-webd, the web administration")           \
	X(PUSH, 3, "push", "quoin-pushd, the hub pushers")               \
	X(FIRMWARE, 4, "firmware", "quoin-fwsignd, the firmware signer") \
	X(PROVISION, 5, "provision", "quoin-provisiond, the station")    \
	X(DATA, 6, "data", "quoin-datad, Database Direct")               \
	X(BROKER, 7, "broker", "quoin-brokerd, the local hubs")          \
	X(TOOL, 8, "tool", "programs of any other user, by libquoin-pkcs11")

enum role_bit {
#define X(name, bit, text, help) ROLE_##name = 1 << (bit),
	ROLE_TABLE(X)
#undef X
	ROLE_NONE = 0,
	ROLE_ALL = 255 /* the appliance's own: not TOOL */
};

#define ROLE_UIDS 32

struct role_map {
	size_t n;
	struct {
		uid_t uid;
		uint32_t role;
	} row[ROLE_UIDS];
};

/* "user=role user=role": users by name or number; one role per user. A user
 * this machine does not have is left out. CONFIG for anything else, also
 * where users cannot be looked up, as in a sandbox. */
enum q_err role_map_parse(const char *text, struct role_map *ret_map,
    struct fault *f) Q_CHECKED;

/* The role of a user: one bit, or ROLE_NONE. */
uint32_t role_of_uid(const struct role_map *m, uid_t uid);

/* Name of a role bit. */
const char *role_name(uint32_t role);

#endif
