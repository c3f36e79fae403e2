# SPDX-License-Identifier: Apache-2.0
# slow.py PORT: a request of which a byte comes now and then is answered with
# a 4xx, or cut off, within 20 seconds.
import socket
import ssl
import sys
import time

ctx = ssl.create_default_context()
ctx.check_hostname = False
ctx.verify_mode = ssl.CERT_NONE
sock = ctx.wrap_socket(socket.create_connection(("127.0.0.1",
                                                 int(sys.argv[1]))))
sock.sendall(b"POST /v1/enrol HTTP/1.1\r\nHost: localhost\r\n"
             b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
sock.settimeout(0.5)
begin = time.monotonic()
answer = None
while answer is None and time.monotonic() - begin < 20:
    try:
        sock.sendall(b" ")
        answer = sock.recv(1000)
    except TimeoutError:
        pass
    except OSError:
        answer = b""
print(answer, time.monotonic() - begin)
good = answer is not None and (answer == b"" or
                               answer.startswith(b"HTTP/1.1 4"))
sys.exit(not good)
