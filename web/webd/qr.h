// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_QR_H
#define WEBD_QR_H

struct json_object;

/* A text as a QR code: its rows, each a string of 0 and 1 (dark). No rows
 * when it does not fit. */
struct json_object *qr_rows(const char *text);

#endif
