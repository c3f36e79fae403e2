// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "quoinctl/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/own.h"

/* Making RSA keys in a token takes seconds. */
#define SIGND_DEADLINE_MS 120000
#define RECORDS_DEADLINE_MS 30000
#define ID_PREFIX_MIN 8

/* Whether anybody listens, and what to do if not. */
static enum q_err
try_open(struct wire_client *client, const char *unit, struct fault *f)
{
	AUTO_FD int fd = wire_client_open(client);

	if (fd >= 0)
		return Q_OK;
	if (errno == EACCES)
		return fault_set(f, Q_DENIED,
		    "%s lets only its own users in: run quoinctl as root",
		    unit);
	return fault_retry(f, Q_UNAVAIL, 0, "%s is not running: start it "
	    "(systemctl start %s), or name its folder with --state", unit,
	    unit);
}

enum q_err
ctl_signd(struct ctl *c, struct fault *f)
{
	enum q_err r = Q_OK;

	if (c->signd == NULL)
		r = signer_open(&c->conf, SIGND_DEADLINE_MS, &c->signd);
	return r == Q_OK ? try_open(c->signd, "quoin-signd", f) : r;
}

enum q_err
ctl_records(struct ctl *c, struct fault *f)
{
	char path[CONF_SOCKET_MAX];
	enum q_err r = Q_OK;

	if (c->records == NULL)
		r = conf_socket(&c->conf, "recordd", path);
	if (c->records == NULL && r == Q_OK)
		r = wire_client_new(path, RECORDS_DEADLINE_MS, &c->records);
	return r == Q_OK ? try_open(c->records, "quoin-recordd", f) : r;
}

enum q_err
ctl_need(struct ctl *c, enum ctl_opt o, struct fault *f)
{
	if (c->opt[o] != NULL)
		return Q_OK;
	return fault_set(f, Q_USAGE, "--%s %s is needed", ctl_options[o].name,
	    ctl_options[o].value);
}

enum q_err
ctl_number(struct ctl *c, enum ctl_opt o, size_t dflt, size_t *ret_number,
    struct fault *f)
{
	char *end;
	unsigned long n = dflt;

	if (c->opt[o] != NULL) {
		n = strtoul(c->opt[o], &end, 10);
		if (!isdigit((unsigned char)c->opt[o][0]) || *end != '\0' ||
		    n == 0 || n > INT32_MAX)
			return fault_set(f, Q_USAGE,
			    "--%s wants a number from 1, not %.32s",
			    ctl_options[o].name, c->opt[o]);
	}
	*ret_number = n;
	return Q_OK;
}

enum q_err
ctl_name_split(const char *name, char *ret_host, const char **ret_ips,
    struct fault *f)
{
	size_t n = strcspn(name, ",");

	if (n == 0 || n > SIGND_HOST_MAX ||
	    strlen(name + n) > SIGND_IPS_MAX)
		return fault_set(f, Q_USAGE,
		    "the name is HOST[,IP...], e.g. "
		    "quoin.example.com,192.0.2.7");
	memcpy(ret_host, name, n);
	ret_host[n] = '\0';
	*ret_ips = name[n] == ',' ? name + n + 1 : "";
	return Q_OK;
}

enum q_err
ctl_device_id(struct ctl *c, const char *text, char *out, struct fault *f)
{
	struct rec_device dev;
	size_t n = strlen(text);
	enum q_err r;

	for (size_t i = 0; i <= n && i < 65; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	if (n > 64 || n < ID_PREFIX_MIN ||
	    strspn(out, "0123456789abcdef") != n)
		return fault_set(f, Q_USAGE, "a DeviceID is 64 hex digits "
		    "(the first %d are enough), not %.70s", ID_PREFIX_MIN,
		    text);
	if (n == 64)
		return Q_OK;
	{
		AUTO_REC_LIST struct rec_list it =
		    REC_LIST(c->records, REC_DEVICE, NULL, out);

		it.page = 2;
		it.keys_only = true;
		r = rec_list_next(&it, &dev, f);
		if (r == Q_NOTFOUND)
			return fault_set(f, r,
			    "no device whose DeviceID begins with %s", text);
		if (r != Q_OK)
			return r;
		r = rec_list_next(&it, &dev, f);
		if (r == Q_OK)
			return fault_set(f, Q_USAGE, "several DeviceIDs begin "
			    "with %s: give more digits", text);
		if (r != Q_NOTFOUND)
			return r;
	}
	memcpy(out, dev.key, 65);
	return Q_OK;
}

enum q_err
ctl_confirm(struct ctl *c, const char *question, struct fault *f)
{
	char line[16] = "";

	if (c->opt[CTL_OPT_yes] != NULL)
		return Q_OK;
	if (isatty(STDIN_FILENO) == 1) {
		fprintf(stderr, "%s Type yes: ", question);
		if (fgets(line, sizeof(line), stdin) != NULL &&
		    strcmp(line, "yes\n") == 0)
			return Q_OK;
	}
	return fault_set(f, Q_USAGE, "nothing was done: this wants --yes");
}

enum q_err
ctl_flag(struct ctl *c, enum ctl_opt yes, enum ctl_opt no, bool *flag,
    struct fault *f)
{
	if (c->opt[yes] != NULL && c->opt[no] != NULL)
		return fault_set(f, Q_USAGE, "--%s and --%s at once",
		    ctl_options[yes].name, ctl_options[no].name);
	if (c->opt[yes] != NULL)
		*flag = true;
	if (c->opt[no] != NULL)
		*flag = false;
	return Q_OK;
}

enum q_err
ctl_text(const char *text, const char *what, char *field, size_t cap,
    struct fault *f)
{
	if (text == NULL)
		return Q_OK;
	if (strlen(text) >= cap)
		return fault_set(f, Q_USAGE, "the %s is longer than %zu bytes",
		    what, cap - 1);
	snprintf(field, cap, "%s", text);
	return Q_OK;
}

enum q_err
ctl_date(struct ctl *c, enum ctl_opt o, int64_t *ret, struct fault *f)
{
	struct tm tm = { 0 };
	const char *text = c->opt[o], *end;
	char back[16];

	if (text == NULL)
		return Q_OK;
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end != NULL && *end == '\0' &&
	    strftime(back, sizeof(back), "%Y-%m-%d", &tm) > 0 &&
	    strcmp(back, text) == 0) {
		*ret = (int64_t)timegm(&tm);
		gmtime_r(&(time_t){ *ret }, &tm);
		/* The 31st of a month that has none is another day. */
		if (strftime(back, sizeof(back), "%Y-%m-%d", &tm) > 0 &&
		    strcmp(back, text) == 0)
			return Q_OK;
	}
	return fault_set(f, Q_USAGE, "--%s wants a date like 2027-01-31, "
	    "not %.32s", ctl_options[o].name, text);
}

enum q_err
ctl_read(const char *path, struct buf *out, struct fault *f)
{
	enum q_err r = strcmp(path, "-") == 0 ?
	    fd_read_all(STDIN_FILENO, out) : file_read(path, out);

	return r == Q_OK ? r : fault_set(f, r, "%.200s: %s", path,
	    q_err_text(r));
}
