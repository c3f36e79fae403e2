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
import time

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


def stopped():
    """Every thread: the signal is not there with the system call's return."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat") as f:
            if f.read().rpartition(")")[2].split()[0] != "T":
                return False
    return True


os.kill(int(pid), signal.SIGSTOP)
for _ in range(500):
    if stopped():
        break
    time.sleep(0.01)
try:
    first = enrol()
finally:
    os.kill(int(pid), signal.SIGCONT)
if conn.sock is None:
    conn = http.client.HTTPSConnection("127.0.0.1", int(port), context=ctx,
                                       timeout=30)
print(first, enrol())
