# SPDX-License-Identifier: Apache-2.0
# kept.py ROOT CERT KEY PORT COMMAND...: ask for the status twice over one
# connection, run the command, ask again; prints the HTTP statuses and the
# device's states, and "again" if another connection was needed.
import http.client
import json
import ssl
import subprocess
import sys

root, cert, key, port = sys.argv[1:5]
ctx = ssl.create_default_context(cafile=root)
ctx.load_cert_chain(cert, key)
conn = http.client.HTTPSConnection("127.0.0.1", int(port), context=ctx,
                                   timeout=30)
conn.connect()
first = conn.sock


def poll():
    conn.request("POST", "/v1/status", "{}",
                 {"Content-Type": "application/json"})
    answer = conn.getresponse()
    said = json.loads(answer.read())
    return f"{answer.status} {said['state']}"


said = [poll(), poll()]
subprocess.run(sys.argv[5:], check=True, stdout=subprocess.DEVNULL)
said.append(poll())
if conn.sock is not first:
    said.append("again")
print(", ".join(said))
