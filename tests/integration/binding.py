# SPDX-License-Identifier: Apache-2.0
# binding.py FOLDER DEVICE PORT 1.2|1.3 right|wrong: enrol by EST with the
# connection's channel binding as challengePassword; prints the status.
import base64
import http.client
import socket
import ssl
import subprocess
import sys

folder, name, port, version, how = sys.argv[1:]
ctx = ssl.create_default_context(cafile=folder + "/root.pem")
ctx.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
tls = ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3
ctx.minimum_version = ctx.maximum_version = tls
sock = ctx.wrap_socket(socket.create_connection(("localhost", int(port)), 10),
                       server_hostname="localhost")
binding = sock.get_channel_binding("tls-unique")
if version == "1.3":
    # Python has no exporter: only a wrong binding can be shown, and that a
    # request without one passes.
    binding = b"" if how == "right" else b"x" * 32
elif how == "wrong":
    binding = bytes(len(binding))
conf = f"""[req]
prompt = no
distinguished_name = dn
attributes = at
[dn]
CN = device
[at]
{'challengePassword = ' + base64.b64encode(binding).decode() if binding else ''}
"""
with open(folder + "/binding.cnf", "w") as f:
    f.write(conf)
der = subprocess.run(
    ["openssl", "req", "-new", "-key", f"{folder}/{name}.key", "-config",
     folder + "/binding.cnf", "-outform", "DER"], check=True,
    stdout=subprocess.PIPE).stdout
conn = http.client.HTTPSConnection("localhost", int(port))
conn.sock = sock
conn.request("POST", "/.well-known/est/simpleenroll",
             base64.encodebytes(der), {"Content-Type": "application/pkcs10"})
print(conn.getresponse().status)
