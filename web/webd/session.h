// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_SESSION_H
#define WEBD_SESSION_H

/*
 * Who asks: a browser's session (a cookie, whose SHA-256 is the key of a
 * record) or an API token. Neither secret is stored.
 */
#include "webd/web.h"

#define SESSION_COOKIE "__Host-quoin"
#define SESSION_SECRET 43 /* 32 random bytes as base64url */

/* DENIED for an unsafe request that a browser says another site has made it
 * send. */
enum q_err session_origin(const struct http_request *rq,
    struct fault *f) Q_CHECKED;

/* Find out who asks, into c->user and c->by. UNAUTH for who shows nothing
 * good; DENIED when a browser's unsafe request has no CSRF token; errors of
 * recordd. */
enum q_err session_find(struct web_call *c, struct fault *f) Q_CHECKED;

/* Begin a session of a user who has shown who it is: a record, and its cookie
 * in rs. */
enum q_err session_begin(struct web_call *c, const struct rec_user *user,
    struct http_response *rs, struct fault *f) Q_CHECKED;

/* End one; its streams of events end, too. OK when there is none. */
enum q_err session_end(struct web *w, const char *key,
    struct fault *f) Q_CHECKED;

/* The cookie goes. */
void session_forget(struct http_response *rs);

/* What GET /session says: the user, the CSRF token, when it ends. login.c */
extern const struct shape session_shape;
struct json_object *session_json(struct web_call *c,
    const struct rec_user *user);

#endif
