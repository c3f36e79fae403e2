// SPDX-License-Identifier: Apache-2.0
/*
 * access-client CONF COMMAND...: Auth Certs, tokens and switches for ways.sh.
 * Prints results, or the error's name and text; ends with its exit code.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/fsio.h"
#include "base/own.h"
#include "records/access.h"
#include "signer/signer.h"

#define DAY 86400

static struct wire_client *client, *signd;
static struct fault fault;
static const struct rec_actor actor = { "test", "" };

/* auth FILE NAME BATCH FLAGS: with p must pre-register, with t requires
 * token, with r as it is, without a look at the certificate. */
static enum q_err
cmd_auth(char **arg)
{
	AUTO_BUF struct buf pem = BUF_INIT(65536);
	struct rec_auth_cert a = {
		.must_preregister = strchr(arg[3], 'p') != NULL,
		.requires_token = strchr(arg[3], 't') != NULL };
	enum q_err r = file_read(arg[0], &pem);

	snprintf(a.name, sizeof(a.name), "%s", arg[1]);
	snprintf(a.batch, sizeof(a.batch), "%s", arg[2]);
	if (r != Q_OK || strchr(arg[3], 'r') == NULL)
		return r != Q_OK ? r : rec_auth_cert_add(client,
		    buf_bytes(&pem), &a, &actor, &fault);
	if (pem.len > sizeof(a.cert.p))
		return Q_TOOBIG;
	memcpy(a.cert.p, pem.p, a.cert.len = pem.len);
	snprintf(a.key, sizeof(a.key), "%064x", (unsigned)pem.len);
	return rec_auth_cert_insert(client, &a, &fault);
}

static enum q_err
cmd_auth_remove(char **arg)
{
	return rec_auth_cert_remove(client, arg[0], &actor, &fault);
}

static enum q_err
seal(void *ctx, const char *context, struct bytes secret, struct buf *sealed,
    struct fault *f)
{
	struct signd_seal_req req = { .purpose = "token",
		.context = context, .secret = secret };
	struct signd_seal_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = signd_seal(signd, &req, &rsp, &hold, f);

	(void)ctx;
	if (r == Q_OK)
		buf_put(sealed, rsp.sealed.p, rsp.sealed.len);
	return r;
}

/* token NAME BATCH FROM TO: in days from today; prints the value. */
static enum q_err
cmd_token(char **arg)
{
	int64_t today = clock_wall() / DAY;
	struct rec_token t = {
		.not_before = (today + strtol(arg[2], NULL, 10)) * DAY,
		.not_after = (today + strtol(arg[3], NULL, 10)) * DAY };
	const struct rec_sealer sealer = { seal, NULL };
	char value[REC_TOKEN_VALUE + 1];
	enum q_err r;

	snprintf(t.key, sizeof(t.key), "%s", arg[0]);
	snprintf(t.batch, sizeof(t.batch), "%s", arg[1]);
	r = rec_token_create(client, &t, &sealer, &actor, value, &fault);
	if (r == Q_OK)
		printf("%s\n", value);
	return r;
}

static enum q_err
cmd_token_remove(char **arg)
{
	return rec_token_remove(client, arg[0], &actor, &fault);
}

/* alone BATCH 0|1 */
static enum q_err
cmd_alone(char **arg)
{
	struct rec_batch b;
	enum q_err r = rec_batch_get(client, arg[0], &b, &fault);

	b.token_alone = *arg[1] == '1';
	return r == Q_OK ? rec_batch_put(client, &b, &fault) : r;
}

/* approval POLICY 0|1 */
static enum q_err
cmd_approval(char **arg)
{
	struct rec_policy p;
	enum q_err r = rec_policy_get(client, arg[0], &p, &fault);

	p.approve = *arg[1] == '1';
	return r == Q_OK ? rec_policy_put(client, &p, &fault) : r;
}

/* serverkey POLICY 0|1: signd has a word of its own. */
static enum q_err
cmd_serverkey(char **arg)
{
	struct rec_policy p;
	enum q_err r = rec_policy_get(client, arg[0], &p, &fault);
	struct signd_issuing_set_req set = { .policy = p.key,
		.issuing_lifetime = (uint64_t)p.issuing_lifetime,
		.device_lifetime = (uint64_t)p.device_lifetime,
		.autorenew = p.issuing_autorenew,
		.allow_rekey = p.allow_rekey,
		.allow_rsa2048 = p.allow_rsa2048,
		.allow_serverkey = *arg[1] == '1' };
	struct signd_issuing_set_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };

	if (r == Q_OK)
		r = signd_issuing_set(signd, &set, &rsp, &hold, &fault);
	p.allow_serverkey = *arg[1] == '1';
	return r == Q_OK ? rec_policy_put(client, &p, &fault) : r;
}

/* waiting: DeviceIDs that wait for approval. */
static enum q_err
cmd_waiting(char **arg)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(client, REC_DEVICE, "approval", "1");
	struct rec_device dev;
	enum q_err r;

	(void)arg;
	while ((r = rec_list_next(&it, &dev, &fault)) == Q_OK)
		printf("%s %s\n", dev.key, dev.asked);
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
cmd_approve(char **arg)
{
	return rec_device_approve(client, arg[0], &actor, &fault);
}

static const struct {
	const char *name;
	int args;
	enum q_err (*run)(char **arg);
} commands[] = {
	{ "auth", 4, cmd_auth }, { "auth-remove", 1, cmd_auth_remove },
	{ "token", 4, cmd_token }, { "token-remove", 1, cmd_token_remove },
	{ "alone", 2, cmd_alone }, { "approval", 2, cmd_approval },
	{ "serverkey", 2, cmd_serverkey }, { "waiting", 0, cmd_waiting },
	{ "approve", 1, cmd_approve },
};

int
main(int argc, char **argv)
{
	static struct conf conf;
	char sock[CONF_SOCKET_MAX];
	enum q_err r;

	if (argc < 3)
		return 64;
	r = conf_load(argv[1], &conf, &fault);
	if (r == Q_OK)
		r = conf_socket(&conf, "recordd", sock);
	if (r == Q_OK)
		r = wire_client_new(sock, 20000, &client);
	if (r == Q_OK)
		r = signer_open(&conf, 20000, &signd);
	for (size_t i = 0; r == Q_OK && i <= ARRAY_LEN(commands); i++) {
		if (i == ARRAY_LEN(commands))
			r = Q_USAGE;
		else if (strcmp(commands[i].name, argv[2]) == 0 &&
		    argc == 3 + commands[i].args) {
			r = commands[i].run(argv + 3);
			break;
		}
	}
	if (r != Q_OK)
		fprintf(stderr, "%s: %s\n", q_err_name(r),
		    fault_text(&fault, r));
	wire_client_free(client);
	wire_client_free(signd);
	return q_err_exit(r);
}
