# SPDX-License-Identifier: Apache-2.0
# held.py FOLDER DEVICE PORT PID: over one connection, enrol while the process
# PID is stopped, then again when it goes on; prints both statuses.
import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys

folder, name, port, pid = sys.argv[1:]
der = subprocess.run(
    ["openssl", "req", "-new", "-key", f"{folder}/{name}.key", "-subj",
     "/CN=x", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
body = json.dumps({"csr": base64.b64encode(der).decode()})
ctx = ssl.create_default_context(cafile=folder + "/root.pem")
ctx.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
conn = http.client.HTTPSConnection("127.0.0.1", int(port), context=ctx,
                                   timeout=30)
conn.connect()


def enrol():
    conn.request("POST", "/v1/enrol", body,
                 {"Content-Type": "application/json"})
    answer = conn.getresponse()
    answer.read()
    return answer.status


os.kill(int(pid), signal.SIGSTOP)
try:
    first = enrol()
finally:
    os.kill(int(pid), signal.SIGCONT)
if conn.sock is None:
    conn = http.client.HTTPSConnection("127.0.0.1", int(port), context=ctx,
                                       timeout=30)
print(first, enrol())
