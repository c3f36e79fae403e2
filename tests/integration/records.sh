#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# Records as people use them, from the command line and the web: the log,
# lists of devices, moving devices, users and their sessions.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2154 # lib.sh has them
client=$top_builddir/tests/integration/records-client
T=$scratch
appliance_make "$T"
install -m 0755 "$client" "$T/app/client"
daemon_start recordd
daemon_ready recordd
"$T/app/client" "$T/quoin.conf"
