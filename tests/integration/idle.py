# SPDX-License-Identifier: Apache-2.0
# idle.py FOLDER DEVICE PORT: with 10,000 idle connections open from eight
# addresses, DEVICE enrols from another one within 2 seconds.
import base64
import http.client
import json
import resource
import socket
import ssl
import subprocess
import sys
import time

folder, name, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
idle = []
for i in range(10000):
    s = socket.socket()
    s.bind((f"127.0.1.{1 + i % 8}", 0))
    s.connect(("127.0.0.1", port))
    idle.append(s)
der = subprocess.run(
    ["openssl", "req", "-new", "-key", f"{folder}/{name}.key", "-subj",
     "/CN=x", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
ctx = ssl.create_default_context(cafile=folder + "/root.pem")
ctx.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
begin = time.monotonic()
conn = http.client.HTTPSConnection("127.0.0.1", port, context=ctx, timeout=10,
                                   source_address=("127.0.0.9", 0))
conn.request("POST", "/v1/enrol",
             json.dumps({"csr": base64.b64encode(der).decode()}),
             {"Content-Type": "application/json"})
status = conn.getresponse().status
took = time.monotonic() - begin
print(f"{len(idle)} idle, status {status} after {took:.3f} s")
sys.exit(status != 200 or took > 2)
