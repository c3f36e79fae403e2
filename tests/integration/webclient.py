# SPDX-License-Identifier: Apache-2.0
# What web-attacks.py and web-crowd.py share: a client of the web
# administration that says exactly what it is told to, keeps an eye on every
# answer, and results as "ok WHAT" and "not ok WHAT".
import base64
import hashlib
import hmac
import http.client
import json
import re
import socket
import ssl
import struct
import time

API = "/api/v1"
PASSWORD = "correct horse battery 9"  # as web.sh has it
COOKIE = "__Host-quoin"
DAY = 86400
LATER = time.strftime("%FT00:00:00Z", time.gmtime(time.time() + 30 * DAY))
NOW = time.strftime("%FT00:00:00Z", time.gmtime())
ALWAYS = {
    "x-content-type-options": r"nosniff$",
    "content-security-policy": r"default-src 'none'; script-src 'self'; ",
    "x-frame-options": r"DENY$",
    "referrer-policy": r"no-referrer$",
    "strict-transport-security": r"max-age=\d{8}",
}
NEVER = ["location", "access-control-allow-origin", "server", "refresh",
         "access-control-allow-credentials"]
JSON_TYPES = ["application/json", "application/problem+json"]

folder, port = None, None
failed = 0
wrong = []  # what no answer may be, and one was


def begin(where, to):
    global folder, port
    folder, port = where, int(to)


def ok(good, what, *notes):
    global failed
    failed += not good
    print("ok" if good else "not ok", what, flush=True)
    for note in notes if not good else ():
        print("#", str(note)[:1500].replace("\n", "\n# "), flush=True)
    return good


def none(bad, what):
    """OK when the list of what is bad is empty."""
    return ok(not bad, what, *bad[:12])


def end():
    none(wrong, "every answer has the headers it should and no others")
    return failed != 0


class Answer:
    def __init__(self, status, head, body):
        self.status, self.body = status, body
        self.head = [(k.lower(), v) for k, v in head]

    def get(self, name):
        return next((v for k, v in self.head if k == name), None)

    def json(self):
        return json.loads(self.body)

    def member(self, name):
        try:
            return self.json().get(name)
        except ValueError:
            return None

    @property
    def type(self):
        return (self.get("content-type") or "").split(";")[0]

    def problem(self):
        """Says plainly what is wrong."""
        return (self.type == "application/problem+json" and
                self.member("status") == self.status and
                bool(self.member("detail")))

    def __str__(self):
        return f"{self.status} {self.type} {self.body[:300]!r}"


def watch(what, a, api):
    """What holds for every answer."""
    for name, value in ALWAYS.items():
        if not re.match(value, a.get(name) or ""):
            wrong.append(f"{what}: {name}: {a.get(name)}")
    for name in NEVER:
        if a.get(name) is not None:
            wrong.append(f"{what}: {name}: {a.get(name)}")
    if a.status >= 500:
        wrong.append(f"{what}: {a}")
    if api and a.body and a.type not in JSON_TYPES:
        wrong.append(f"{what}: {a}")
    if api and a.body and a.type in JSON_TYPES:
        try:
            a.json()
        except ValueError as e:
            wrong.append(f"{what}: {e}: {a}")
    if a.status >= 400 and not a.problem() and a.body:
        wrong.append(f"{what}: no problem: {a}")


def context():
    return ssl.create_default_context(cafile=folder + "/root.pem")


def connect(source="127.0.0.1", timeout=30):
    s = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context().wrap_socket(s, server_hostname="localhost")


class Web:
    """A connection that is kept, from an address of one's own choice."""

    def __init__(self, source="127.0.0.1", timeout=60):
        self.source, self.timeout, self.conn = source, timeout, None

    def once(self, method, path, body, headers):
        if self.conn is None:
            self.conn = http.client.HTTPConnection("localhost", port)
            self.conn.sock = connect(self.source, self.timeout)
        self.conn.request(method, path, body, headers)
        r = self.conn.getresponse()
        a = Answer(r.status, r.getheaders(), r.read())
        if r.will_close:
            self.close()
        return a

    def close(self):
        if self.conn is not None:
            self.conn.close()
        self.conn = None

    def ask(self, method, path, body=None, who=None, headers=None, raw=False):
        """body: an object is sent as JSON, bytes as they are. headers: None
        for a value leaves that header out."""
        h = {"Host": f"localhost:{port}"}
        if who is not None:
            h["Cookie"] = f"{COOKIE}={who.cookie}"
            h["X-Quoin-CSRF"] = who.csrf
        if body is not None:
            h["Content-Type"] = "application/json"
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        elif method in ("POST", "PUT", "PATCH"):
            body = b""
        h.update(headers or {})
        h = {k: v for k, v in h.items() if v is not None}
        if not raw:
            path = API + path
        kept = self.conn is not None
        try:
            a = self.once(method, path, body, h)
        except (OSError, http.client.HTTPException):
            self.close()
            if not kept:
                raise
            a = self.once(method, path, body, h)
        watch(f"{method} {path}", a, not raw and ".csv" not in path)
        return a


class Person:
    """A session: its cookie and CSRF token."""

    def __init__(self, name, cookie, csrf):
        self.name, self.cookie, self.csrf = name, cookie, csrf

    @classmethod
    def of(cls, name, answer):
        cookie = re.match(COOKIE + r"=([^;]*);", answer.get("set-cookie"))
        return cls(name, cookie.group(1), answer.json()["csrf"])

    @classmethod
    def kept(cls, name):
        """The session that web.sh keeps."""
        with open(f"{folder}/{name}.jar") as f:
            cookie = re.search(r"\t" + COOKIE + r"\t(\S+)", f.read()).group(1)
        with open(f"{folder}/{name}.csrf") as f:
            return cls(name, cookie, f.read().strip())

    def alive(self, web):
        return web.ask("GET", "/session", who=self).status == 200


def good(method, path, body=None, who=None, headers=None):
    """What a test needs to go well; by ann, unless somebody is named."""
    a = Web().ask(method, path, body, who or Person.kept("ann"), headers)
    if a.status >= 300:
        raise RuntimeError(f"{method} {path}: {a}")
    return a


def login(web, name, password=PASSWORD, code=None, headers=None):
    body = {"user": name, "password": password}
    if code is not None:
        body["code"] = code
    return web.ask("POST", "/login", body, headers=headers)


def enter(web, name, password=PASSWORD):
    return Person.of(name, login(web, name, password))


def user_make(web, admin, name, role="contributor"):
    """A new user, logged in."""
    a = web.ask("POST", "/users", {"name": name, "role": role,
                                   "password": PASSWORD}, admin)
    assert a.status == 201, a
    return enter(web, name)


def work(web):
    """A solved CAPTCHA."""
    c = web.ask("GET", "/captcha").json()
    shift, n = 256 - c["difficulty"], 0
    while int.from_bytes(hashlib.sha256(
            f"{c['challenge']}.{n}".encode()).digest(), "big") >> shift:
        n += 1
    return {"challenge": c["challenge"], "nonce": str(n)}


def totp(seed, step):
    """RFC 6238 of the seed in base32."""
    d = hmac.digest(base64.b32decode(seed), struct.pack(">Q", step), "sha1")
    at = d[-1] & 15
    return f"{(struct.unpack('>I', d[at:at + 4])[0] & 0x7fffffff) % 10**6:06}"


def policy(name):
    return {"name": name, "device_lifetime": DAY,
            "issuing_lifetime": 365 * DAY}


def state(web, admin):
    """All that an administrator sees of what can be changed."""
    out = {}
    for path in ("/policies", "/batches", "/batches/b/devices", "/users",
                 "/tokens", "/auth-certs", "/keys", "/api-tokens",
                 "/settings", "/tls", "/users/carl/sessions",
                 "/logs?limit=1"):
        a = web.ask("GET", path, who=admin)
        assert a.status == 200, a
        out[path] = re.sub(rb'"(seen_at|until)": *"[^"]*"', b"", a.body)
    return out


def raw(data, source="127.0.0.1", timeout=20):
    """What comes back for these bytes until the end or, if nothing comes any
    more, for a moment; and whether the connection was closed."""
    out, closed = b"", True
    try:
        with connect(source, timeout) as s:
            s.sendall(data)
            while True:
                try:
                    got = s.recv(65536)
                except TimeoutError:
                    closed = False
                    break
                if not got:
                    break
                out += got
                s.settimeout(0.7)
    except OSError:
        pass
    return out, closed


def answers(data):
    """The answers in what raw() gave."""
    out = []
    while data.startswith(b"HTTP/1.1 "):
        head, _, data = data.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        a = Answer(int(line.split()[1]), [h.split(": ", 1) for h in rest],
                   b"")
        n = int(a.get("content-length") or 0)
        a.body, data = data[:n], data[n:]
        out.append(a)
    return out
