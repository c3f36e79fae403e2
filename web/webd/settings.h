// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_SETTINGS_H
#define WEBD_SETTINGS_H

/*
 * What administrators set on the page: one table, kept as JSON in the one
 * `setting` record "web", so that one revision holds for all of them.
 */
#include "webd/web.h"

/* X(name, kind, low, high, default, text). kinds: STR, INT, BOOL, and SECRET,
 * which is sealed and never answered. */
#define WEB_SETTINGS(X)                                                    \
	X(title, STR, 1, 64, "Quoin", "name of this appliance on its pages") \
	X(help_url, STR, 0, 500, "", "where Help leads: https: or mailto:") \
	X(feedback_url, STR, 0, 500, "",                                   \
	    "where Feedback leads: https: or mailto:")                     \
	X(signup, BOOL, 0, 1, "false", "everybody may sign up")            \
	X(signup_domains, STR, 0, 500, "",                                 \
	    "only with addresses of these domains; blanks between")        \
	X(idle_minutes, INT, 1, 1440, "30",                                \
	    "minutes without a request after which a session ends")        \
	X(session_hours, INT, 1, 168, "12", "hours a session may last")    \
	X(smtp_url, STR, 0, 300, "", "as smtps://HOST:PORT, or "           \
	    "smtp://HOST:PORT with STARTTLS; empty: no mail is sent")      \
	X(smtp_plain, BOOL, 0, 1, "false",                                 \
	    "without TLS where the mail server has none")                  \
	X(smtp_user, STR, 0, 128, "", "user at the mail server")           \
	X(smtp_password, SECRET, 0, 128, "", "password there; it goes "    \
	    "when the mail server is another one")                         \
	X(smtp_from, STR, 0, 254, "", "sender of mail")                    \
	X(poll_seconds, INT, 0, 604800, "0", "how often a device asks for " \
	    "its status, at least; 0: as quoin.conf says")                 \
	X(polls_per_second, INT, 0, 100000, "0", "status requests per "    \
	    "second the fleet may add up to; 0: as quoin.conf says")

/* A setting's value, or its default; name is one of the table. Text into
 * out[cap], of a SECRET as sealed (base64). */
int64_t settings_int(const struct web *w, const char *name);
void settings_text(const struct web *w, const char *name, char *out,
    size_t cap);

/* Whether mail can be sent. */
bool settings_mail(const struct web *w);

#endif
