// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_ACTIONS_H
#define RECORDS_ACTIONS_H

/*
 * What people do to devices and batches, the same from the command line and
 * from the web. Each action is one write, made again when somebody else's
 * came between; asked again it finds nothing to do and says OK. What then
 * remains to be done (publishing a CRL, deleting) is in the document, and
 * enrold does it. Each change is followed by a record of who did it.
 */

#include "records/client.h"
#include "records/load.h"

/* Who acts, from where ("" on the machine itself). */
struct rec_actor {
	const char *who, *from;
};

/* Note what the actor did. A change that was made stays made when this
 * fails: the fault says so. */
enum q_err rec_actor_note(struct wire_client *c, const struct rec_actor *by,
    const char *what, const char *object, struct fault *f) Q_CHECKED;

/* The same with more about it, cut at 256 bytes. */
enum q_err rec_actor_tell(struct wire_client *c, const struct rec_actor *by,
    const char *what, const char *object, const char *detail,
    struct fault *f) Q_CHECKED;

/* A device that counts: NOTFOUND also for one of a load under way. */
enum q_err rec_device_read(struct wire_client *c, const char *id,
    struct rec_device *ret_dev, struct fault *f) Q_CHECKED;

/* Revoke a device, enrolled or not: it is refused from now on, and its
 * certificates that are still valid go to the CRL. reason: plain text, may
 * be empty; one of the names of RFC 5280 5.3.1 (keyCompromise, ...) also
 * goes into the CRL. Revoked before: OK, and nothing changes. */
enum q_err rec_device_revoke(struct wire_client *c, const char *id,
    const struct rec_actor *by, const char *reason,
    struct fault *f) Q_CHECKED;

/* What allowing did. */
enum rec_allowed {
	REC_ALLOWED_BEFORE, /* it may enrol anyway */
	REC_ALLOWED_ENROL, /* it was revoked, and is now not enrolled */
	REC_ALLOWED_RENEW, /* its next renewal is let through */
};

/* Let a device enrol (again): a revoked one becomes not enrolled; one whose
 * policy does not renew by itself may renew once. CONFLICT when it is being
 * deleted. */
enum q_err rec_device_allow(struct wire_client *c, const char *id,
    const struct rec_actor *by, enum rec_allowed *ret_allowed,
    struct fault *f) Q_CHECKED;

/* Let a device enrol for the first time, if it waits for that: as its policy
 * wants. It may come with the request that waited or with another one.
 * Approved before: OK. CONFLICT for one that does not wait. */
enum q_err rec_device_approve(struct wire_client *c, const char *id,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* Put a device into another batch, whose policy counts from its next contact
 * on; its certificates stay. There already: OK, and nothing changes. NOTFOUND
 * for no such device or batch; CONFLICT when it, or either batch, is being
 * deleted. */
enum q_err rec_device_move(struct wire_client *c, const char *id,
    const char *batch, const struct rec_actor *by,
    struct fault *f) Q_CHECKED;

/* Begin to delete: what it held is revoked, then it is gone. CONFLICT for a
 * batch that an Auth Cert or a token lets devices into. */
enum q_err rec_device_remove(struct wire_client *c, const char *id,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;
enum q_err rec_batch_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* Make a batch under a policy that exists and, unless fl is NULL, load its
 * devices: all, or no batch is made (rec_load_devices tells the errors, and
 * what fl and progress are; progress gets a NULL ctx). An empty batch that
 * an earlier try left is gone on with. NOTFOUND: no such policy; EXISTS. */
enum q_err rec_batch_create(struct wire_client *c, struct rec_batch *batch,
    struct fleet *fl, rec_load_progress *progress,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* Delete a policy. CONFLICT while a batch is under it. */
enum q_err rec_policy_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* The setting that holds what administrators set on their page: a JSON object
 * of texts by the names of webd/settings.h. */
#define REC_SETTING_WEB "web"

/* Write a setting, whether it was there or not. */
enum q_err rec_setting_set(struct wire_client *c, const char *name,
    const char *value, struct fault *f) Q_CHECKED;

#endif
