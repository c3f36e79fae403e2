# SPDX-License-Identifier: Apache-2.0
# web-crowd.py GROUP FOLDER PORT PID [ARGUMENT...]: many at the web
# administration (quoin-webd is process PID) at once, some of them with bad
# intent, and whether others are served meanwhile. As web-attacks.py.
import json
import re
import resource
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time

from webclient import (API, COOKIE, Person, Web, begin, connect, end, enter,
                       login, none, ok)

group, where, port, pid, *more = sys.argv[1:]
begin(where, port)
ann = Person.kept("ann")
# Seconds in which somebody else is served; a request may take its peer ten.
SOON = 5
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


def memory():
    """Resident bytes of quoin-webd."""
    with open(f"/proc/{pid}/status") as f:
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def threads():
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"Threads:\s+(\d+)", f.read()).group(1))


def took(source, n=1):
    """Seconds that the slowest of n newcomers waits for an answer."""
    most = 0
    for _ in range(n):
        at = time.monotonic()
        there = Web(source)
        a = there.ask("GET", "/session", who=ann)
        there.close()
        assert a.status == 200, a
        most = max(most, time.monotonic() - at)
    return most


def plain(source):
    s = socket.create_connection(("127.0.0.1", int(port)), 20, (source, 0))
    s.setblocking(False)
    return s


def over(s):
    """Whether the other end has closed; what it says is dropped."""
    try:
        while True:
            if not s.recv(65536):
                return True
    except (ssl.SSLWantReadError, BlockingIOError):
        return False
    except OSError:
        return True


# --- who is slow -------------------------------------------------------------

def slow():
    me = f"Cookie: {COOKIE}={ann.cookie}\r\nX-Quoin-CSRF: {ann.csrf}\r\n"
    head = f"Host: localhost\r\nContent-Type: application/json\r\n{me}"
    kinds = {
        "bodies": f"POST {API}/login HTTP/1.1\r\n{head}"
                  "Content-Length: 9999\r\n\r\n",
        "bodies in chunks": f"POST {API}/login HTTP/1.1\r\n{head}"
                            "Transfer-Encoding: chunked\r\n\r\nff\r\n",
        "uploads": f"POST {API}/batches/b/devices HTTP/1.1\r\n{head}"
                   "Content-Length: 9999999\r\n\r\n{\"devices\":[\"",
        "heads": f"GET {API}/site HTTP/1.1\r\nHost: localhost\r\nX: ",
        "handshakes": None,
    }
    for k, (kind, text) in enumerate(kinds.items()):
        source = f"127.0.2.{k + 1}"
        crowd, began = [], time.monotonic()
        for _ in range(24):
            s = plain(source) if text is None else connect(source)
            s.setblocking(False)
            if text is not None:
                s.send(text.encode())
            crowd.append(s)
        # The beginning of a ClientHello of 512 bytes.
        rest = iter(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"\x03" * 999)
        most, ends = 0, []
        while crowd and time.monotonic() - began < 40:
            byte = b"f" if text is not None else bytes([next(rest)])
            for s in list(crowd):
                try:
                    gone = over(s)
                    if not gone:
                        s.send(byte)
                except OSError:
                    gone = True
                if gone:
                    ends.append(time.monotonic() - began)
                    crowd.remove(s)
                    s.close()
            most = max(most, took("127.0.2.99"))
            time.sleep(0.5)
        ok(most < SOON, f"24 slow {kind} from one address: others wait "
           f"{most:.2f} s")
        ok(not crowd, f"slow {kind} are cut, after {min(ends, default=99):.0f}"
           f" to {max(ends, default=99):.0f} s", f"{len(crowd)} are left")
        ok(min(ends, default=0) > 1, "not at once", ends)
        for s in crowd:
            s.close()
    readers()


def readers():
    """Those who ask for a lot and take nothing."""
    ask = f"GET {API}/batches/many/devices.csv HTTP/1.1\r\n" \
        f"Host: localhost\r\nCookie: {COOKIE}={ann.cookie}\r\n\r\n"
    crowd = []
    for _ in range(24):
        s = connect("127.0.2.50")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(ask.encode())
        crowd.append(s)
    before, began, most = memory(), time.monotonic(), 0
    while time.monotonic() - began < 25:
        most = max(most, took("127.0.2.99"))
        time.sleep(0.5)
    ok(most < SOON, f"24 who take nothing: others wait {most:.2f} s")
    ok(memory() - before < 64 << 20, "and no memory is taken for them",
       memory() - before)
    whole = 0
    for s in crowd:
        s.settimeout(5)
        got = b""
        try:
            while (piece := s.recv(65536)):
                got += piece
        except OSError:
            pass
        whole += got.endswith(b"0\r\n\r\n")
        s.close()
    ok(whole == 0, "they were cut", f"{whole} got it all")


# --- those who listen --------------------------------------------------------

class Listener:
    def __init__(self, who, source, deaf=False):
        self.text, self.closed, self.deaf = b"", False, deaf
        self.sock = connect(source)
        self.sock.sendall((f"GET {API}/events HTTP/1.1\r\nHost: localhost\r\n"
                           f"Cookie: {COOKIE}={who.cookie}\r\n\r\n").encode())
        self.sock.setblocking(False)

    def hear(self):
        try:
            while True:
                got = self.sock.recv(65536)
                if not got:
                    break
                self.text += got
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError:
            pass
        self.closed = True

    def count(self, event):
        return self.text.count(b"event: " + event)

    def dashboard(self):
        """The last one heard."""
        last = re.findall(rb"event: dashboard\ndata: (.*)\n\n", self.text)
        return json.loads(last[-1]) if last else {}


def hear(crowd, seconds, enough):
    pick = selectors.DefaultSelector()
    for one in crowd:
        if not one.closed and not one.deaf:
            pick.register(one.sock, selectors.EVENT_READ, one)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not enough():
        for key, _ in pick.select(0.2):
            key.data.hear()
            if key.data.closed:
                pick.unregister(key.fileobj)
    return enough()


def listeners():
    agent, fleet, root, device_port = more
    people = [enter(Web(f"127.0.4.{i + 1}"), "ann") for i in range(8)]
    before, had = memory(), threads()
    crowd = [Listener(people[i % 8], f"127.0.4.{i % 8 + 1}")
             for i in range(200)]
    deaf = [Listener(ann, "127.0.4.99", True) for _ in range(20)]
    ok(hear(crowd, 30, lambda: all(c.count(b"dashboard") for c in crowd)),
       "200 browsers see the dashboard")
    ok(threads() <= had + 2, "without a thread for each",
       f"{had}, then {threads()}")
    at = time.monotonic()
    run = subprocess.Popen(
        [agent, "--fleet", fleet, "--root", root, "--server",
         f"localhost:{device_port}", "--once", "--parallel", "8",
         "--timeout", "100"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    hear(crowd, 110, lambda: run.poll() is not None)
    out, _ = run.communicate()
    ok(run.returncode == 0, f"100 devices enrol meanwhile, in "
       f"{time.monotonic() - at:.1f} s", out[-500:])
    ok(hear(crowd, 15, lambda: all(
        c.dashboard()["devices"]["enrolled"] == 100 for c in crowd)),
       "all browsers see 100 enrolled",
       [c.dashboard()["devices"]["enrolled"] for c in crowd])
    none([c.text[-300:] for c in crowd if c.closed or not c.count(b"change")],
         "and were told of changes")
    ok(memory() - before < 96 << 20, "quoin-webd's memory is bounded",
       f"{before >> 20} MB, then {memory() >> 20} MB")
    print(f"# memory {before >> 20} MB, then {memory() >> 20} MB")
    web = Web()
    more_of = [Listener(people[0], "127.0.4.1") for _ in range(12)]
    hear(more_of, 10, lambda: all(m.text for m in more_of))
    said = [m.text.split(b" ")[1] for m in more_of if m.text]
    ok(said.count(b"200") == 7 and len(set(said)) == 2 and len(said) == 12,
       "one session may listen 32 times", said)
    web.ask("POST", "/logout", who=people[0])
    mine = crowd[::8]
    ok(hear(mine, 10, lambda: all(c.closed for c in mine)),
       "who logs out hears no more", sum(c.closed for c in mine))
    ok(not any(c.closed for c in crowd if c not in mine), "the others do")
    for c in crowd + deaf + more_of:
        c.sock.close()


# --- too many log-ins, too many connections ----------------------------------

def flood():
    """Guessing from one address, as fast as it goes."""
    stop, said = threading.Event(), []

    def run(n):
        there = Web("127.0.5.66")
        while not stop.is_set():
            a = login(there, f"ann{n}", "a wrong secret 1")
            said.append(a.status)
            if a.status == 429:
                time.sleep(0.02)
    crowd = [threading.Thread(target=run, args=(n,)) for n in range(40)]
    for t in crowd:
        t.start()
    most, entered, began = 0, 0, time.monotonic()
    waits = []
    while len(waits) < 8 and time.monotonic() - began < 60:
        most = max(most, took("127.0.5.99"))
        at = time.monotonic()
        a = login(Web("127.0.5.77"), "carl")
        waits.append(time.monotonic() - at)
        entered += a.status == 200
        time.sleep(0.5)
    stop.set()
    for t in crowd:
        t.join()
    print(f"# {len(said)} guesses, {said.count(401)} of them looked at")
    ok(set(said) <= {401, 429, 503} and said.count(401) < 30 and
       len(said) > 100, "of many guesses few are looked at",
       {s: said.count(s) for s in set(said)})
    ok(most < SOON, f"others wait {most:.2f} s meanwhile")
    ok(entered >= len(waits) - 2 and entered > 4, f"carl logs in {entered} "
       f"times of {len(waits)}, in at most {max(waits):.2f} s")


def shaken(source):
    try:
        s = connect(source)
    except OSError:
        return None
    s.setblocking(False)
    return s


def asked(source):
    try:
        s = connect(source)
        s.sendall(f"GET {API}/site HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .encode())
        s.recv(9999)
    except OSError:
        return None
    s.setblocking(False)
    return s


def idle():
    """Connections that do nothing."""
    before, crowd = memory(), {}
    for k, (kind, n, open_one) in enumerate((
            ("without a handshake", 600, plain), ("with one", 400, shaken),
            ("after a request", 400, asked))):
        source, began = f"127.0.6.{k + 1}", time.monotonic()
        crowd[kind] = [s for s in (open_one(source) for _ in range(n)) if s]
        while (left := sum(not over(s) for s in crowd[kind])) > 256 and \
                time.monotonic() - began < 9:
            time.sleep(0.05)
        # Without a request they have ten seconds.
        ok(left <= 256 and (left > 200 or time.monotonic() - began > 7),
           f"one address may have 256, {kind}", left)
    most = took("127.0.6.99", 5)
    ok(most < SOON, f"1,400 idle connections: others wait {most:.2f} s")
    most = took("127.0.6.2")
    ok(most < SOON, f"of the same address, too: {most:.2f} s")
    ok(memory() - before < 128 << 20, "memory is bounded",
       f"{before >> 20} MB, then {memory() >> 20} MB")
    until = time.monotonic() + 15
    held = crowd["without a handshake"] + crowd["with one"]
    while time.monotonic() < until and not all(over(s) for s in held):
        time.sleep(0.2)
    ok(all(over(s) for s in held), "those without a request are cut soon",
       sum(not over(s) for s in held))


groups = {"slow": slow, "listeners": listeners, "flood": flood, "idle": idle}
groups[group]()
sys.exit(end())
