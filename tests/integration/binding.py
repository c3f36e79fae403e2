# SPDX-License-Identifier: Apache-2.0
# binding.py FOLDER DEVICE PORT 1.2|1.3 right|wrong: enrol by EST with the
# connection's channel binding as challengePassword; prints the status.
import base64
import http.client
import re
import socket
import ssl
import subprocess
import sys

folder, name, port, version, how = sys.argv[1:]
files = [f"{folder}/{name}.crt", f"{folder}/{name}.key"]


def request(binding):
    """EST body: a request with that challengePassword."""
    if how == "wrong":
        binding = bytes(len(binding))
    with open(folder + "/binding.cnf", "w") as conf:
        conf.write(f"""[req]
prompt = no
distinguished_name = dn
attributes = at
[dn]
CN = device
[at]
challengePassword = {base64.b64encode(binding).decode()}
""")
    der = subprocess.run(
        ["openssl", "req", "-new", "-key", files[1], "-config",
         folder + "/binding.cnf", "-outform", "DER"], check=True,
        stdout=subprocess.PIPE).stdout
    return base64.encodebytes(der)


def with_tls_unique():
    ctx = ssl.create_default_context(cafile=folder + "/root.pem")
    ctx.load_cert_chain(*files)
    ctx.maximum_version = ssl.TLSVersion.TLSv1_2
    sock = ctx.wrap_socket(
        socket.create_connection(("127.0.0.1", int(port)), 10),
        server_hostname="localhost")
    conn = http.client.HTTPSConnection("127.0.0.1", int(port))
    conn.sock = sock
    conn.request("POST", "/.well-known/est/simpleenroll",
                 request(sock.get_channel_binding("tls-unique")),
                 {"Content-Type": "application/pkcs10"})
    return conn.getresponse().status


def with_exporter():
    """Python has no exporter; openssl s_client prints what it exports."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", "127.0.0.1:" + port, "-tls1_3",
         "-cert", files[0], "-key", files[1], "-nocommands", "-ign_eof",
         "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen",
         "32"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    exported = None
    while exported is None:
        line = client.stdout.readline()
        if not line:
            return "no keying material"
        exported = re.match(rb" *Keying material: ([0-9A-F]+)", line)
    body = request(bytes.fromhex(exported[1].decode()))
    client.stdin.write(b"POST /.well-known/est/simpleenroll HTTP/1.1\r\n"
                       b"Host: localhost\r\nConnection: close\r\n"
                       b"Content-Type: application/pkcs10\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(body) + body)
    client.stdin.flush()
    status = None
    for line in client.stdout:
        status = status or re.match(rb"HTTP/1.1 ([0-9]+)", line)
    client.wait()
    return status[1].decode() if status else "no answer"


print(with_tls_unique() if version == "1.2" else with_exporter())
