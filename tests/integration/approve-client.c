// SPDX-License-Identifier: Apache-2.0
/* Calls those ops of quoin-signd that are about keys of people, as any user:
 *	approve-client -c CONF [-u UID] COMMAND [ARGUMENT...]
 * Ends with the error's exit code and its name and text on standard error. */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "signer/signer.h"

#define DEADLINE_MS 60000
#define ARGS_MAX 10
#define FILE_MAX 65536
#define IMAGE_MAX ((size_t)16 << 20)

static struct wire_client *client;
static struct wire_reply hold;
static struct fault fault;
static struct conf conf;

static uint32_t
num(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 0);
}

static enum q_err
do_code_keys(char **a)
{
	struct signd_code_keys_req req = { .after = a[0] };
	struct signd_code_keys_rsp r;
	struct signd_code_key k;
	enum q_err e = signd_code_keys(client, &req, &r, &hold, &fault);

	while (e == Q_OK && wire_list_next(&r.items, &signd_code_key_type,
	    &k) == Q_OK)
		printf("%s %s %s %u %d\n", k.id, k.name, k.kind, k.mechs,
		    k.imported);
	return e;
}

/* KEY MECH HASH SALT DATA NONCE OUT; NONCE: 32 hex digits */
static enum q_err
do_code_sign(char **a)
{
	AUTO_BUF struct buf data = BUF_INIT(FILE_MAX);
	uint8_t nonce[SIGND_NONCE_LEN] = { 0 };
	struct signd_code_sign_req req = { .key = a[0], .mech = num(a[1]),
		.hash = num(a[2]), .salt = num(a[3]),
		.nonce = { nonce, sizeof(nonce) } };
	struct signd_code_sign_rsp r;
	enum q_err e = file_read(a[4], &data);

	if (e != Q_OK || !hex_decode(a[5], nonce, sizeof(nonce)))
		return Q_USAGE;
	req.data = buf_bytes(&data);
	e = signd_code_sign(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_replace(a[6], r.signature.p, r.signature.len,
	    0644) : e;
}

/* KEY MECH HASH IMAGE NONCE MEANING OUT ["noseal"] */
static enum q_err
do_firmware(char **a)
{
	AUTO_BUF struct buf image = BUF_INIT(IMAGE_MAX);
	AUTO_FD int fd = memfd_create("image", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING);
	uint8_t nonce[SIGND_NONCE_LEN] = { 0 };
	struct signd_sign_firmware_req req = { .key = a[0],
		.mech = num(a[1]), .hash = num(a[2]), .image = fd,
		.nonce = { nonce, sizeof(nonce) }, .user = "test",
		.meaning = a[5] };
	struct signd_sign_firmware_rsp r;
	enum q_err e = file_read(a[3], &image);

	if (e != Q_OK || !hex_decode(a[4], nonce, sizeof(nonce)) ||
	    fd_write_all(fd, image.p, image.len) != Q_OK)
		return Q_USAGE;
	if (strcmp(a[7], "noseal") != 0 && fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		return Q_IO;
	e = signd_sign_firmware(client, &req, &r, &hold, &fault);
	return e == Q_OK ? file_replace(a[6], r.signature.p, r.signature.len,
	    0644) : e;
}

/* KEY IMAGE MEANING */
static enum q_err
do_want(char **a)
{
	AUTO_BUF struct buf image = BUF_INIT(IMAGE_MAX);
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct signd_approval_want_req req = { .action = "sign",
		.key = a[0], .mech = SIGND_ECDSA, .hash = 256,
		.digest = { digest, sizeof(digest) }, .meaning = a[2] };
	struct signd_approval_want_rsp r;
	enum q_err e = file_read(a[1], &image);

	if (e != Q_OK)
		return Q_USAGE;
	SHA256(image.p, image.len, digest);
	e = signd_approval_want(client, &req, &r, &hold, &fault);
	if (e == Q_OK)
		printf("%s\n", r.id);
	return e;
}

static const struct {
	const char *name;
	enum q_err (*run)(char **a);
} commands[] = {
	{ "code-keys", do_code_keys }, { "code-sign", do_code_sign },
	{ "firmware", do_firmware }, { "want", do_want },
};

int
main(int argc, char **argv)
{
	static char empty[] = "";
	char *args[ARGS_MAX];
	const char *path = NULL;
	uid_t uid = getuid();
	enum q_err e = Q_USAGE;
	int opt, n = 0;

	while ((opt = getopt(argc, argv, "+c:u:")) != -1) {
		if (opt == 'c')
			path = optarg;
		else if (opt == 'u')
			uid = (uid_t)strtoul(optarg, NULL, 10);
		else
			return q_err_exit(Q_USAGE);
	}
	if (optind == argc || conf_load(path, &conf, &fault) != Q_OK ||
	    signer_open(&conf, DEADLINE_MS, &client) != Q_OK ||
	    (uid != getuid() && setuid(uid) != 0))
		return q_err_exit(Q_USAGE);
	for (int i = optind + 1; n < ARGS_MAX; i++)
		args[n++] = i < argc ? argv[i] : empty;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, argv[optind]) == 0)
			e = commands[i].run(args);
	wire_reply_free(&hold);
	wire_client_free(client);
	if (e != Q_OK)
		fprintf(stderr, "%s: %s\n", q_err_name(e),
		    fault_text(&fault, e));
	return q_err_exit(e);
}
