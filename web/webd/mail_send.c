// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/mail.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_SECONDS 10L
#define SEND_SECONDS 60L

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_bool stopping;

static void
curl_begin(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
mail_send_stop(void)
{
	atomic_store(&stopping, true);
}

/* curl asks once a second whether it shall go on. */
static int
watch(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
    curl_off_t up)
{
	(void)arg;
	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	return atomic_load(&stopping);
}

struct source {
	struct bytes left;
};

static size_t
give(char *to, size_t size, size_t n, void *arg)
{
	struct source *s = arg;
	size_t len = size * n < s->left.len ? size * n : s->left.len;

	memcpy(to, s->left.p, len);
	s->left.p += len;
	s->left.len -= len;
	return len;
}

static void
options_set(CURL *c, const struct mail_server *s, struct source *from)
{
	curl_easy_setopt(c, CURLOPT_URL, s->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_USE_SSL, s->plain ? (long)CURLUSESSL_TRY
	    : (long)CURLUSESSL_ALL);
	if (s->user[0] != '\0') {
		curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, s->password);
	}
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, s->from);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, from);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, SEND_SECONDS);
}

enum q_err
mail_send(const struct mail_server *server, const char *to,
    struct bytes message, struct fault *f)
{
	struct source from = { message };
	char why[CURL_ERROR_SIZE] = "";
	struct curl_slist *rcpt;
	CURLcode bad;
	CURL *c;

	pthread_once(&once, curl_begin);
	c = curl_easy_init();
	rcpt = curl_slist_append(NULL, to);
	if (c == NULL || rcpt == NULL) {
		curl_slist_free_all(rcpt);
		curl_easy_cleanup(c);
		return Q_NOMEM;
	}
	options_set(c, server, &from);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, rcpt);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	bad = curl_easy_perform(c);
	curl_slist_free_all(rcpt);
	curl_easy_cleanup(c);
	if (bad == CURLE_OK)
		return Q_OK;
	return fault_set(f, Q_UNAVAIL, "mail server: %.150s",
	    why[0] != '\0' ? why : curl_easy_strerror(bad));
}
