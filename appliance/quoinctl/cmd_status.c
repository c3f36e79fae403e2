// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/own.h"
#include "quoinctl/batch.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"

#define CONNECT_MS 2000
#define DAY 86400

enum health { GOOD, BAD };

struct report {
	struct ctl *ctl;
	bool colour;
	bool bad;
	struct json_object *parts;
};

static void
tell(struct report *rep, const char *part, enum health health,
    const char *text)
{
	static const struct {
		const char *word, *on;
	} looks[] = {
		[GOOD] = { "ok", "\033[32m" }, [BAD] = { "BAD", "\033[1;31m" },
	};
	struct json_object *o = out_object();
	char key[24] = "";

	for (size_t i = 0; i + 1 < sizeof(key) && part[i] != '\0'; i++)
		key[i] = part[i] == ' ' ? '_'
					: (char)tolower((unsigned char)part[i]);
	rep->bad |= health == BAD;
	out_bool(o, "ok", health == GOOD);
	out_str(o, "text", text);
	out_take(rep->parts, key, o);
	if (!rep->ctl->json)
		printf("%s%-4s%s %-13s %s\n",
		    rep->colour ? looks[health].on : "", looks[health].word,
		    rep->colour ? "\033[0m" : "", part, text);
}

static bool
tell_fault(struct report *rep, const char *part, enum q_err r,
    const struct fault *f)
{
	if (r != Q_OK)
		tell(rep, part, BAD, fault_text(f, r));
	return r != Q_OK;
}

static void
report_signd(struct report *rep)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;
	struct fault f = { 0 };
	char text[400];
	enum q_err r = ctl_signd(rep->ctl, &f);

	if (r == Q_OK)
		r = signd_status(rep->ctl->signd, &req, &s, &hold, &f);
	if (tell_fault(rep, "HSM", r, &f))
		return;
	snprintf(text, sizeof(text), "token answers, %u issuing CAs, %"
	    PRIu64 " certificates issued since the start, %u worker restarts",
	    s.issuing, s.issued, s.restarts);
	if (!s.pki)
		snprintf(text, sizeof(text), "no PKI yet: quoinctl hsm init");
	tell(rep, "HSM", s.ready && s.pki ? GOOD : BAD,
	    s.pki && !s.ready ? s.reason : text);
	snprintf(text, sizeof(text), "%s%s%s", s.host,
	    s.ips[0] != '\0' ? ", " : "", s.ips);
	tell(rep, "Name", s.host[0] != '\0' ? GOOD : BAD,
	    s.host[0] != '\0' ? text : "none yet: quoinctl hsm init HOST");
	snprintf(text, sizeof(text), "%" PRIu64 " records; quoinctl journal "
	    "verify checks them", s.journal_seq);
	tell(rep, "Journal", s.journal_seq > 0 ? GOOD : BAD, text);
}

struct expiry {
	int64_t now, first;
	char what[96];
	unsigned late;
	bool root_late;
};

/* Certificates are renewed by themselves at 2/3 of their life: one with less
 * than a fifth left, and nothing in its place, was not. */
static enum q_err
each_cert(void *arg, const struct signd_cert *cert)
{
	struct expiry *e = arg;
	int64_t end = (int64_t)cert->not_after;
	int64_t life = end - (int64_t)cert->not_before;

	/* A responder of less than its month ends with its CA. */
	if (strcmp(cert->state, "active") != 0 ||
	    strcmp(cert->purpose, "root-link") == 0 ||
	    (strcmp(cert->purpose, "ocsp") == 0 && life < 30 * DAY))
		return Q_OK;
	if ((end - e->now) * 5 < life && strcmp(cert->purpose, "root") == 0)
		e->root_late = true;
	else if ((end - e->now) * 5 < life)
		e->late++;
	if (e->first != 0 && end >= e->first)
		return Q_OK;
	e->first = end;
	snprintf(e->what, sizeof(e->what), "%s%s%s", cert->purpose,
	    cert->policy[0] != '\0' ? " " : "", cert->policy);
	return Q_OK;
}

static void
report_certs(struct report *rep)
{
	struct expiry e = { .now = clock_wall() };
	struct fault f = { 0 };
	char text[256];
	int64_t days;
	enum q_err r;

	if (rep->ctl->signd == NULL)
		return;
	r = signer_certs(rep->ctl->signd, each_cert, &e, &f);
	if (tell_fault(rep, "Certificates", r, &f) || e.first == 0)
		return;
	days = (e.first - e.now) / DAY;
	snprintf(text, sizeof(text), "%s ends first, in %" PRId64 " days%s%s",
	    e.what, days, e.late > 0 ? "; it should have been renewed" : "",
	    e.root_late ? "; the OEM Root is near its end: quoinctl hsm root "
	    "renew" : "");
	tell(rep, "Certificates", e.late > 0 || e.root_late ? BAD : GOOD,
	    text);
}

static void
report_records(struct report *rep)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct recordd_status_req req = { 0 };
	struct recordd_status_rsp s;
	struct rec_device_counts n;
	struct json_object *o;
	struct fault f = { 0 };
	char text[400];
	enum q_err r = ctl_records(rep->ctl, &f);

	if (r == Q_OK)
		r = recordd_status(rep->ctl->records, &req, &s, &hold, &f);
	if (tell_fault(rep, "Records", r, &f))
		return;
	snprintf(text, sizeof(text), "%s, %" PRIu64 " MB, %" PRIu64
	    " writes since the start", s.store, s.bytes >> 20, s.writes);
	tell(rep, "Records", s.ok ? GOOD : BAD, s.ok ? text : s.text);
	r = rec_device_counters(rep->ctl->records, NULL, &n, &f);
	if (tell_fault(rep, "Devices", r, &f))
		return;
	snprintf(text, sizeof(text), "%" PRIu64 ": %" PRIu64 " enrolled (%"
	    PRIu64 " renewed), %" PRIu64 " not enrolled, %" PRIu64
	    " expired, %" PRIu64 " revoked", n.devices, n.enrolled,
	    n.renewed, n.not_enrolled, n.expired, n.revoked);
	tell(rep, "Devices", GOOD, text);
	o = json_object_object_get(rep->parts, "devices");
	out_counts(o, &n);
}

/* Whether somebody accepts connections there. */
static enum q_err
try_port(const char *address, int64_t port, struct fault *f)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV }, *ai;
	struct pollfd p = { .events = POLLOUT };
	char service[16];
	AUTO_FD int fd = -1;
	socklen_t len = sizeof(int);
	int error = 0;

	snprintf(service, sizeof(service), "%" PRId64, port);
	if (getaddrinfo(address[0] != '\0' ? address : "127.0.0.1", service,
	    &hints, &ai) != 0)
		return fault_set(f, Q_INVALID, "no such address: %s", address);
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) != 0)
		error = errno;
	freeaddrinfo(ai);
	if (fd < 0)
		return fault_set(f, Q_IO, "socket: %s", strerror(errno));
	if (error == EINPROGRESS) {
		p.fd = fd;
		error = poll(&p, 1, CONNECT_MS) == 1 ? 0 : ETIMEDOUT;
		if (error == 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	return error == 0 ? Q_OK : fault_set(f, Q_UNAVAIL,
	    "port %s: %s; is quoin-enrold running?", service,
	    strerror(error));
}

static void
report_port(struct report *rep, const char *part, int64_t port)
{
	struct fault f = { 0 };
	char text[64];
	enum q_err r = try_port(rep->ctl->conf.device_address, port, &f);

	if (tell_fault(rep, part, r, &f))
		return;
	snprintf(text, sizeof(text), "port %" PRId64 " is open", port);
	tell(rep, part, GOOD, text);
}

enum q_err
cmd_status(struct ctl *c, struct fault *f)
{
	const char *term = getenv("TERM");
	struct report rep = {
		.ctl = c, .parts = out_object(),
		.colour = isatty(1) && getenv("NO_COLOR") == NULL &&
		    term != NULL && strcmp(term, "dumb") != 0,
	};
	struct json_object *o = out_object();

	report_signd(&rep);
	report_certs(&rep);
	report_records(&rep);
	report_port(&rep, "Device port", c->conf.device_port);
	report_port(&rep, "CRL port", c->conf.crl_port);
	c->told = true;
	out_bool(o, "ok", !rep.bad);
	out_take(o, "parts", rep.parts);
	if (c->json)
		out_done(c, o, " ");
	else
		json_object_put(o);
	return rep.bad ? fault_set(f, Q_UNAVAIL,
	    "not everything is well") : Q_OK;
}
