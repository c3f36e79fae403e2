// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_PEOPLE_H
#define RECORDS_PEOPLE_H

/*
 * People with passwords, their sessions and the links that let them in, the
 * same from the command line and from the web.
 */
#include "records/actions.h"

#define REC_LINK_TOKEN 43 /* 32 random bytes as base64url */
#define REC_LINK_BIT(kind) (1u << (kind))

/* Whether text is a user's name: 1 to 64 of A-Z a-z 0-9 - _, as the guide
 * says. INVALID. */
enum q_err rec_user_name_check(const char *text, struct fault *f) Q_CHECKED;

/* Make a link: *l has kind, user, email and role. The token is the caller's
 * to show, and to wipe; the record has its SHA-256 only. */
enum q_err rec_link_make(struct wire_client *c, struct rec_link *l,
    int64_t ttl, const struct rec_actor *by,
    char ret_token[REC_LINK_TOKEN + 1], struct fault *f) Q_CHECKED;

/* What people open, of a token that rec_link_make() made. */
#define REC_LINK_URL 360
void rec_link_url(const char *host, unsigned port, const char *token,
    char *out, size_t cap);

/* A link that is good now and of one of the kinds (REC_LINK_BIT): NOTFOUND.
 * rec_link_take() uses it up: of two who take it one gets NOTFOUND. */
enum q_err rec_link_look(struct wire_client *c, const char *token,
    unsigned kinds, struct rec_link *ret_link, struct fault *f) Q_CHECKED;
enum q_err rec_link_take(struct wire_client *c, const struct rec_link *l,
    struct fault *f) Q_CHECKED;

/* Whether there is any user. */
enum q_err rec_users_any(struct wire_client *c, bool *ret_any,
    struct fault *f) Q_CHECKED;

/* By e-mail address, without regard to case: NOTFOUND, and CONFLICT when two
 * have it. */
enum q_err rec_user_by_email(struct wire_client *c, const char *email,
    struct rec_user *ret_user, struct fault *f) Q_CHECKED;

/*
 * Write a user that exists (put), or delete it, unless that takes the last
 * administrator away who may log in: CONFLICT. Those who do so at the same
 * time take turns by a lease. STALE: it was changed meanwhile. A user goes
 * with sessions and API tokens, so that nobody of the same name gets them.
 * Invitations end with their maker's being an administrator.
 */
enum q_err rec_user_save(struct wire_client *c, struct rec_user *user,
    struct fault *f) Q_CHECKED;
enum q_err rec_user_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* End a user's sessions but one (NULL: all). */
enum q_err rec_sessions_end(struct wire_client *c, const char *user,
    const char *except, struct fault *f) Q_CHECKED;

/* Delete what has ended: sessions and links, so many at a time. */
enum q_err rec_people_sweep(struct wire_client *c, int64_t now,
    struct fault *f) Q_CHECKED;

#endif
