// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/mail.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/pages.h"
#include "webd/parts.h"
#include "webd/settings.h"
#include "webd/users.h"

#define LOOK_MS 1000
#define SWEEP_MS 60000
#define CLAIM_SECONDS 120
#define TRIES_MAX 24
#define PAUSE_MAX (6 * 3600)
#define MAILS_PER_HOUR 5

void
mail_time(struct buf *out, int64_t t)
{
	char text[24];

	time_format(t, text);
	buf_printf(out, "%.10s %.5s UTC", text, text + 11);
}

bool
mail_may(struct web *w, const char *to)
{
	return gate_spend(w, "mail", to, MAILS_PER_HOUR, NULL) == Q_OK;
}

static void
context_of(const struct rec_mail *m, char out[128])
{
	snprintf(out, 128, "mail/%s", m->key);
}

static enum q_err
body_seal(struct web *w, struct rec_mail *m, const struct buf *text,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_seal_rsp rsp;
	char context[128];
	enum q_err r;

	context_of(m, context);
	r = signd_seal(w->signd, &(struct signd_seal_req){ .purpose = "mail",
	    .context = context, .secret = buf_bytes(text) }, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (text->bad || rsp.sealed.len > sizeof(m->body.p))
		return Q_TOOBIG;
	memcpy(m->body.p, rsp.sealed.p, rsp.sealed.len);
	m->body.len = rsp.sealed.len;
	return Q_OK;
}

enum q_err
mail_write(struct web *w, const char *to, const char *subject,
    const struct buf *text, struct fault *f)
{
	struct rec_mail m = { .created_at = clock_wall() };
	struct timespec now;
	uint8_t raw[8];
	enum q_err r;

	m.next_at = m.created_at;
	if (!email_looks_good(to))
		return fault_set(f, Q_INVALID, "no e-mail address: %.60s",
		    to);
	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return Q_INTERNAL;
	/* Nanoseconds, so that mails stay in order. */
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(m.key, sizeof(m.key), "%016" PRIx64 "-",
	    (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
	hex_encode(raw, sizeof(raw), m.key + 17);
	snprintf(m.to, sizeof(m.to), "%s", to);
	snprintf(m.subject, sizeof(m.subject), "%s", subject);
	r = body_seal(w, &m, text, f);
	return r == Q_OK ? rec_mail_insert(w->recordd, &m, f) : r;
}

/* RFC 2047 4.1, base64 in one word: subjects are short. */
static void
subject_put(struct buf *out, const char *subject)
{
	bool plain = true;

	for (const char *s = subject; *s != '\0'; s++)
		plain &= *s >= ' ' && *s < 0x7f;
	buf_puts(out, "Subject: ");
	if (plain) {
		buf_puts(out, subject);
	} else {
		buf_puts(out, "=?UTF-8?B?");
		b64_encode(out, (const uint8_t *)subject, strlen(subject), 0);
		buf_puts(out, "?=");
	}
	buf_puts(out, "\r\n");
}

void
mail_notice(struct web_call *c, const struct rec_user *user, const char *what)
{
	AUTO_BUF struct buf text = BUF_INIT(1024);
	char title[65], subject[96];
	struct fault f = { 0 };
	enum q_err r;

	if (user->email[0] == '\0' || !settings_mail(c->web))
		return;
	settings_text(c->web, "title", title, sizeof(title));
	snprintf(subject, sizeof(subject), "Your account at %s", title);
	buf_printf(&text, "Hello,\n\n%s of user %s has been changed, from "
	    "address %s, at\n", what, user->key, c->rq->remote);
	mail_time(&text, clock_wall());
	buf_puts(&text, ".\nIf it was not you, tell an administrator.\n");
	r = mail_write(c->web, user->email, subject, &text, &f);
	if (r != Q_OK)
		log_warn("no mail to user %s: %s", user->key,
		    fault_text(&f, r));
}

void
mail_message(struct buf *out, const char *from, const struct rec_mail *m,
    struct bytes text)
{
	AUTO_BUF struct buf body = BUF_INIT(2 * sizeof(m->body.p));
	time_t now = (time_t)clock_wall();
	char date[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	buf_printf(out, "Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\n", date,
	    from, m->to);
	subject_put(out, m->subject);
	buf_printf(out, "Message-ID: <%s@quoin>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Auto-Submitted: auto-generated\r\n\r\n", m->key);
	b64_encode(&body, text.p, text.len, 76);
	for (size_t i = 0; i < body.len; i++) {
		if (body.p[i] == '\n')
			buf_puts(out, "\r");
		buf_put(out, body.p + i, 1);
	}
	if (body.bad)
		out->bad = true;
}

static enum q_err
password_unseal(struct web *w, struct mail_server *s, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	AUTO_BUF struct buf sealed = BUF_INIT(512);
	struct signd_unseal_rsp rsp;
	char text[512];
	enum q_err r;

	settings_text(w, "smtp_password", text, sizeof(text));
	if (text[0] == '\0')
		return Q_OK;
	r = b64_decode(&sealed, text, strlen(text));
	if (r == Q_OK)
		r = signd_unseal(w->signd, &(struct signd_unseal_req){
		    .purpose = "mail", .context = "web/smtp_password",
		    .sealed = buf_bytes(&sealed) }, &rsp, &hold, f);
	if (r == Q_OK)
		snprintf(s->password, sizeof(s->password), "%.*s",
		    (int)rsp.secret.len, (const char *)rsp.secret.p);
	return r;
}

static enum q_err
server_take(struct web *w, struct mail_server *s, struct fault *f)
{
	*s = (struct mail_server){ 0 };
	if (!settings_mail(w))
		return fault_set(f, Q_NOTFOUND, "no mail server is set");
	settings_text(w, "smtp_url", s->url, sizeof(s->url));
	settings_text(w, "smtp_user", s->user, sizeof(s->user));
	settings_text(w, "smtp_from", s->from, sizeof(s->from));
	s->plain = settings_int(w, "smtp_plain") != 0;
	return password_unseal(w, s, f);
}

static enum q_err
deliver(struct web *w, const struct rec_mail *m, struct bytes text,
    struct fault *f)
{
	AUTO_BUF struct buf message = BUF_INIT(65536);
	struct mail_server s;
	enum q_err r = server_take(w, &s, f);

	if (r == Q_OK)
		mail_message(&message, s.from, m, text);
	if (r == Q_OK && message.bad)
		r = Q_TOOBIG;
	if (r == Q_OK)
		r = mail_send(&s, m->to, buf_bytes(&message), f);
	OPENSSL_cleanse(s.password, sizeof(s.password));
	return r;
}

static enum q_err
unseal_deliver(struct web *w, const struct rec_mail *m, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_unseal_rsp rsp;
	char context[128];
	enum q_err r;

	context_of(m, context);
	r = signd_unseal(w->signd, &(struct signd_unseal_req){
	    .purpose = "mail", .context = context,
	    .sealed = { m->body.p, m->body.len } }, &rsp, &hold, f);
	return r == Q_OK ? deliver(w, m, rsp.secret, f) : r;
}

/* --- the thread ------------------------------------------------------------ */

static struct {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
} box = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER };

static int64_t
pause_of(int64_t tries)
{
	int64_t s = 15;

	while (--tries > 0 && s < PAUSE_MAX)
		s *= 2;
	return s < PAUSE_MAX ? s : PAUSE_MAX;
}

/* Claimed by its revision, so that no other process sends it, too; one that
 * dies in between sends it again. */
static enum q_err
mail_try(struct web *w, struct rec_mail *m)
{
	struct fault f = { 0 };
	enum q_err r;

	m->tries++;
	m->next_at = clock_wall() + CLAIM_SECONDS;
	r = rec_mail_put(w->recordd, m, NULL);
	if (r != Q_OK)
		return r;
	r = unseal_deliver(w, m, &f);
	if (r == Q_OK || m->tries >= TRIES_MAX) {
		if (r != Q_OK)
			log_warn("a mail is given up: %s", fault_text(&f, r));
		(void)!rec_mail_delete(w->recordd, m->key, m->rev, NULL);
		return r;
	}
	log_warn("mail: %s", fault_text(&f, r));
	m->next_at = clock_wall() + pause_of(m->tries);
	snprintf(m->error, sizeof(m->error), "%s", fault_text(&f, r));
	(void)!rec_mail_put(w->recordd, m, NULL);
	return r;
}

/* After one that did not go the others wait: a mail server that hangs takes a
 * minute of each. */
static void
look(struct web *w)
{
	char now[24];
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(w->recordd, REC_MAIL, "next_at", now);
	struct rec_mail m;
	enum q_err r = Q_OK;

	snprintf(now, sizeof(now), "%" PRId64, clock_wall());
	it.page = 16;
	for (int i = 0; r == Q_OK && i < 16; i++) {
		r = rec_list_next(&it, &m, NULL);
		if (r == Q_OK)
			r = mail_try(w, &m);
	}
}

/* False when it is time to end. */
static bool
pause_take(void)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOOK_MS / 1000;
	pthread_mutex_lock(&box.lock);
	if (!box.stop)
		pthread_cond_timedwait(&box.wake, &box.lock, &until);
	stop = box.stop;
	pthread_mutex_unlock(&box.lock);
	return !stop;
}

static void *
run(void *arg)
{
	int64_t swept = 0;
	struct web *w = arg;

	while (pause_take()) {
		if (settings_mail(w))
			look(w);
		if (swept != 0 && clock_mono_ms() - swept < SWEEP_MS)
			continue;
		swept = clock_mono_ms();
		(void)!rec_people_sweep(w->recordd, clock_wall(), NULL);
	}
	return NULL;
}

static enum q_err
mail_start(struct web *w, struct fault *f)
{
	if (pthread_create(&box.thread, NULL, run, w) != 0)
		return fault_set(f, Q_NOMEM, "no thread for mail");
	box.running = true;
	return Q_OK;
}

static void
mail_stop(struct web *w)
{
	(void)w;
	if (!box.running)
		return;
	mail_send_stop();
	pthread_mutex_lock(&box.lock);
	box.stop = true;
	pthread_cond_signal(&box.wake);
	pthread_mutex_unlock(&box.lock);
	pthread_join(box.thread, NULL);
}

const struct web_part mail_part = { "mail", NULL, mail_start, mail_stop };

/* --- the page -------------------------------------------------------------- */

enum q_err
link_address(struct web_call *c, const char *token, char *out, size_t cap,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_rsp rsp;
	enum q_err r = signd_status(c->web->signd,
	    &(struct signd_status_req){ 0 }, &rsp, &hold, f);

	if (r == Q_OK)
		rec_link_url(rsp.host, (unsigned)c->web->conf->admin_port,
		    token, out, cap);
	return r;
}

static SHAPE(test_shape, "MailTest",
    { "to", SHAPE_STR, 3, 254, SHAPE_NEED, "where it goes" },
);

static SHAPE(tested_shape, "MailTested",
    { "ok", SHAPE_BOOL, 0, 0, SHAPE_NEED, "the mail server has taken it" },
    { "detail", SHAPE_STR, 0, 250, SHAPE_NEED, "what it said, if not" },
);

static enum q_err
test_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	static const char text[] = "This is a test by an administrator.\n";
	struct rec_mail m = { .key = "test", .subject = "Test" };
	const char *to = web_text(c, "to", "");
	struct fault own = { 0 };
	struct json_object *o;
	enum q_err r;

	if (!email_looks_good(to))
		return web_wrong(c, f, "/to", "this is no e-mail address");
	snprintf(m.to, sizeof(m.to), "%s", to);
	r = deliver(c->web, &m, (struct bytes){ (const uint8_t *)text,
	    sizeof(text) - 1 }, &own);
	o = web_object();
	web_put_bool(o, "ok", r == Q_OK);
	web_put(o, "detail", r == Q_OK ? "" : fault_text(&own, r));
	r = web_note(c, "mail test", to, f);
	if (r == Q_OK)
		return web_reply(rs, 200, o);
	json_object_put(o);
	return r;
}

static const struct web_route mail_routes[] = {
	{ "POST", "/api/v1/settings/mail-test", WEB_ADMIN, WEB_SCOPE_SETTINGS,
	    0, NULL, &test_shape, 200, &tested_shape, test_post,
	    "Send a mail now, and tell what the mail server says" },
};

WEB_PAGE(mail, "Mail", mail_routes);
