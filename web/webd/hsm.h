// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_HSM_H
#define WEBD_HSM_H

/* What the pages of the HSM share. */
#include "webd/web.h"

/* What answers say of any certificate. */
#define HSM_CERT_FIELDS                                                     \
    { "subject", SHAPE_STR, 0, 512, SHAPE_NEED, "its subject, RFC 4514" },  \
    { "issuer", SHAPE_STR, 0, 512, SHAPE_NEED, "subject of its CA" },       \
    { "not_before", SHAPE_TIME, 0, 0, SHAPE_NEED, "valid from" },           \
    { "not_after", SHAPE_TIME, 0, 0, SHAPE_NEED, "valid up to" },           \
    { "serial", SHAPE_STR, 0, 40, SHAPE_NEED, "serial number, hex" },       \
    { "fingerprint", SHAPE_STR, 0, 95, SHAPE_NEED, "SHA-256 of its DER" },  \
    { "pem", SHAPE_TEXT, 0, 16384, SHAPE_NEED, "itself" }
void hsm_cert_put(struct json_object *o, struct bytes der);

/* Answer with the page of a list that the window wants: items, which are taken
 * over, behind the one whose `member` is the cursor. INVALID: there is none. */
enum q_err hsm_window(struct http_response *rs, struct json_object *items,
    const char *member, const struct web_window *win,
    struct fault *f) Q_CHECKED;

/* A list with blanks between as an array. */
struct json_object *hsm_words_json(const char *list);

/* A PEM block as a member. */
void hsm_pem_put(struct json_object *o, const char *name, const char *label,
    struct bytes der);

#endif
