// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_USERS_H
#define WEBD_USERS_H

#include "webd/web.h"

/* A user as answers have it: no secret of it. */
extern const struct shape user_shape;
struct json_object *user_json(const struct rec_user *user);

/* Names and e-mail address of the body into *user: INVALID for an address
 * that another user has, or that is none. */
enum q_err user_take(struct web_call *c, struct rec_user *user,
    struct fault *f) Q_CHECKED;

/* An address alone. */
enum q_err user_email_take(struct web_call *c, struct rec_user *user,
    const char *email, struct fault *f) Q_CHECKED;

/* Whether it looks like an address that mail can be sent to. */
bool email_looks_good(const char *text);

/* Make the link's address for people, https://HOST:PORT/#/link/TOKEN, and
 * send it by mail if there is an address and a mail server. */
struct rec_link;
enum q_err link_send(struct web_call *c, const struct rec_link *l,
    const char *token, struct json_object *answer, struct fault *f) Q_CHECKED;

#endif
