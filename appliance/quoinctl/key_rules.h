// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_KEY_RULES_H
#define QUOINCTL_KEY_RULES_H

/* The rules of a key as options and as output. */

#include "quoinctl/ctl.h"

/* With room for their lists, where users and approvers point to. */
struct key_rules_opt {
	struct signd_rules r;
	char users[SIGND_LIST_MAX + 1], approvers[SIGND_LIST_MAX + 1];
};

/* Set what options say; the rest stays. USAGE. */
enum q_err key_rules_take(struct ctl *c, struct key_rules_opt *rules,
    struct fault *f) Q_CHECKED;

/* Into an object, as the options take them; what does not limit is left
 * out. code: a signd_rules, encoded. */
void key_rules_out(struct json_object *o, struct bytes code);

#endif
