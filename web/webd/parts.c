// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/parts.h"

/* X(name): a `const struct web_part name##_part` somewhere. */
#define PARTS(X)    \
	X(settings) \
	X(gate)     \
	X(captcha)  \
	X(mail)     \
	X(live)

#define X(name) extern const struct web_part name##_part;
PARTS(X)
#undef X

static const struct web_part *const parts[] = {
#define X(name) &name##_part,
	PARTS(X)
#undef X
	NULL
};

enum q_err
parts_prepare(struct web *w, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && parts[i] != NULL; i++)
		if (parts[i]->prepare != NULL)
			r = parts[i]->prepare(w, f);
	return r;
}

enum q_err
parts_start(struct web *w, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && parts[i] != NULL; i++)
		if (parts[i]->start != NULL)
			r = parts[i]->start(w, f);
	return r;
}

void
parts_stop(struct web *w)
{
	size_t n = 0;

	while (parts[n] != NULL)
		n++;
	while (n-- > 0)
		if (parts[n]->stop != NULL)
			parts[n]->stop(w);
}
