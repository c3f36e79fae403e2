# SPDX-License-Identifier: Apache-2.0
# resume.py FOLDER DEVICE PORT 1.2|1.3 COMMAND...: ask for the status on a new
# connection, on one that resumes its session, and on another after COMMAND;
# prints the statuses and how many of the sessions were resumed.
import http.client
import socket
import ssl
import subprocess
import sys

folder, name, port, version = sys.argv[1:5]
ctx = ssl.create_default_context(cafile=folder + "/root.pem")
ctx.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
if version == "1.2":
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2


def status(session):
    sock = ctx.wrap_socket(
        socket.create_connection(("127.0.0.1", int(port)), 10),
        server_hostname="localhost", session=session)
    conn = http.client.HTTPSConnection("127.0.0.1", int(port))
    conn.sock = sock
    conn.request("POST", "/v1/status", "{}",
                 {"Content-Type": "application/json"})
    answer = conn.getresponse()
    answer.read()
    return answer.status, sock.session, sock.session_reused


one = status(None)
two = status(one[1])
subprocess.run(sys.argv[5:], check=True, stdout=subprocess.DEVNULL)
three = status(two[1])
print(one[0], two[0], three[0], one[2] + two[2] + three[2])
