// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_MAIL_H
#define WEBD_MAIL_H

/* Mail goes into records first, so that none is lost, and from there to the
 * mail server, by a thread. */
#include "webd/web.h"

/* Whether strangers may still have mail sent to that address: a few an hour. */
bool mail_may(struct web *w, const char *to);

/* Write a mail to be sent: plain text, which is sealed until then, since links
 * are in it. INVALID for an address that is none. */
enum q_err mail_write(struct web *w, const char *to, const char *subject,
    const struct buf *text, struct fault *f) Q_CHECKED;

/* Tell a user what has been done to the account, should somebody else have
 * done it; nothing without an address or a mail server. */
void mail_notice(struct web_call *c, const struct rec_user *user,
    const char *what);

/* "2026-11-23 12:00 UTC" */
void mail_time(struct buf *out, int64_t t);

/* A mail as it is sent (RFC 5322 3.6). Nothing in it can end a header line:
 * records hold no control characters, and the text becomes base64. */
void mail_message(struct buf *out, const char *from, const struct rec_mail *m,
    struct bytes text);

/* How the mail server is reached. */
struct mail_server {
	char url[301], user[129], from[255];
	char password[129];
	bool plain; /* without TLS, if it has none */
};

/* Hand one mail over, now: UNAVAIL with what the server said. mail_send.c */
enum q_err mail_send(const struct mail_server *server, const char *to,
    struct bytes message, struct fault *f) Q_CHECKED;

/* Break off what is being sent, and send no more: this process ends. */
void mail_send_stop(void);

/* The address of a link with that token, for people. */
enum q_err link_address(struct web_call *c, const char *token, char *out,
    size_t cap, struct fault *f) Q_CHECKED;

/* A proof of work, as the body's member "captcha" has it: INVALID for a wrong
 * one, or one that was used. captcha.c */
extern const struct shape captcha_shape;
enum q_err captcha_take(struct web_call *c, struct fault *f) Q_CHECKED;

#endif
