"""A client of admin-http for tests: plain sockets, no library that hides what is on the wire."""
import http.client
import json
import os
import re
import socket

import isolate
from common import expect
from nodes import wait_for

PORT = 11235


class Answer:
    """Status, headers (names in lower case) and body of a response."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.headers} {self.body[:400]!r}"


class Api:
    """The interface of one node."""

    def __init__(self, node):
        self.node = node
        self.path = f"{isolate.WORK_DIR}/{node.name}.api"
        self.token_path = f"{isolate.WORK_DIR}/{node.name}.token"

    def config(self, **more):
        return {"plugin": "admin-http", "config": {
            "listen": [f"unix:{self.path}?mode=0666", f"tcp:127.0.0.1:{PORT}"],
            "tokenFile": self.token_path, **more}}

    def token(self):
        with open(self.token_path, encoding="ascii") as file:
            return file.read().strip()

    def unix(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(10)
        sock.connect(self.path)
        return sock

    def tcp(self, host="127.0.0.1", inside=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with isolate.Network((inside or self.node).name):
            sock = socket.socket(family)
        sock.settimeout(10)
        sock.connect((host, PORT))
        return sock

    @staticmethod
    def over(sock, host=f"127.0.0.1:{PORT}"):
        """An HTTP connection over a socket that is connected already."""
        connection = http.client.HTTPConnection(host)
        connection.sock = sock
        return connection

    def ask(self, verb, path, body=None, headers=None, sock=None):
        """One request, over the unix socket if no other is given."""
        connection = self.over(sock or self.unix())
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(verb, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def tcp_get(self, path, headers=None, verb="GET", body=None):
        return self.ask(verb, path, body, headers, sock=self.tcp())

    def bearer(self, token=None):
        return {"Authorization": f"Bearer {token or self.token()}"}

    def is_up(self):
        try:
            return os.path.exists(self.path) and self.get("/healthz").status == 200
        except OSError:
            return False


class Stream:
    """Server-sent events, read one by one."""

    def __init__(self, api, path, headers=None, sock=None):
        self.connection = api.over(sock or api.unix())
        self.connection.request("GET", path, headers=headers or {})
        self.response = self.connection.getresponse()

    def next(self):
        """{"id", "event", "data"} of the next event; comments are passed over."""
        event = {}
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif event and not line:
                event["data"] = json.loads(event["data"])
                return event

    def close(self):
        self.connection.close()


def with_api(node, **config):
    """Gives a node the interface."""
    api = Api(node)
    node.change = lambda tree: tree["plugins"].append(api.config(**config))
    return api


def one(laboratory, **config):
    """A node with the interface, running."""
    node = laboratory.node("a")
    api = with_api(node, **config)
    node.start()
    wait_for(api.is_up, 10, "the interface answers")
    return node, api


def expect_problem(answer, status, code):
    expect(answer.status == status, f"{status} {code} wanted, not {answer}")
    expect(answer.headers["content-type"] == "application/problem+json", f"problem: {answer}")
    problem = answer.json()
    expect(problem["status"] == status and problem.get("code") == code, f"{code} in {problem}")
    expect(problem["type"].startswith("urn:cjdns:problem:") and problem["title"], str(problem))
    return problem


def memory_kib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def check_growth(node, before, limit):
    """Of memory, in KiB. A sanitizer keeps what was freed, so there is nothing to measure then."""
    now = memory_kib(node)
    expect(os.environ.get("CJD_SANITIZE") or now - before < limit,
           f"memory: {before} → {now} KiB")
