"""admin-http under way: streams, calls that take their time, floods and slow clients."""
import http.client
import json
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import isolate
import lab
import promtext
from common import expect, two_joined
from http_api import (PORT, Stream, check_growth, expect_problem, memory_kib, one, with_api)
from nodes import wait_for

# ---------------------------------------------------------------- streams

@lab.test
def http_events(laboratory):
    a, b = two_joined(laboratory)
    api = with_api(b)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    stream = Stream(api, "/v1/events?types=peer.*&tail=20")
    first = stream.next()
    expect(first["event"].startswith("peer.") and "time" in first["data"], f"event: {first}")
    wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    # Where the client was, and what happened while it was away.
    last = first
    while last["data"].get("state") != "established":
        last = stream.next()
    stream.close()
    peer = api.get("/v1/peers").json()["items"][0]["id"]
    expect(api.ask("DELETE", f"/v1/peers/{peer}").status == 200, "disconnected")
    again = Stream(api, "/v1/events?types=peer.*", {"Last-Event-ID": last["id"]})
    event = again.next()
    while event["event"] != "peer.removed":
        expect(event["event"] != "reset", "nothing is lost")
        event = again.next()
    expect(event["data"]["id"] == peer, f"the one that went: {event}")
    again.close()
    for wrong in ("0000000000000000-1", "x", last["id"] + "x"):
        other = Stream(api, "/v1/events", {"Last-Event-ID": wrong})
        expect(other.next()["event"] == "reset", f"{wrong} is of another run")
        other.close()
    expect_problem(api.get("/v1/events", Accept="application/json"), 406, "not_acceptable")
    expect_problem(api.get("/v1/events?what=1"), 422, "invalid_argument")


@lab.test
def http_watch(laboratory):
    a, b = two_joined(laboratory)
    api = with_api(a)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    peer = wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15,
                    "a peering")[0]["id"]
    stream = Stream(api, "/v1/peers?watch=true")
    expect(api.ask("DELETE", f"/v1/peers/{peer}").status == 200, "disconnected")
    seen = stream.next()
    while seen["event"] != "peer.removed":
        expect(seen["event"].startswith("peer."), f"only peers: {seen}")
        seen = stream.next()
    stream.close()
    expect_problem(api.get("/v1/methods?watch=true"), 422, "not_watched")
    expect_problem(api.get("/v1/peers?watch=true&what=1"), 422, "invalid_argument")


@lab.test
def http_done_once(laboratory):
    node, api = one(laboratory)
    body = {"login": "guest", "password": "a-long-password"}

    def times():
        return len(re.findall("passwords.add called by", node.log()))
    key = {"Idempotency-Key": "first"}
    first = api.ask("POST", "/v1/passwords", body, key)
    expect(first.status == 200, str(first))
    again = api.ask("POST", "/v1/passwords", body, key)
    expect((again.status, again.body) == (200, first.body), f"the same answer: {again}")
    expect(times() == 1, "done once")
    expect_problem(api.ask("POST", "/v1/passwords", {**body, "login": "x"}, key), 422, "key_reused")
    api.ask("POST", "/v1/passwords", {**body, "login": "y"}, {"Idempotency-Key": "second"})
    expect(times() == 2, "another key is another request")


@lab.test
def http_log_and_room(laboratory):
    _, api = one(laboratory, limits={"streams": 3, "idleSeconds": 2})
    lines = Stream(api, "/v1/logs?level=debug&modules=daemon&tail=50")
    first = lines.next()
    expect(first["data"]["module"] == "daemon" and first["data"]["message"], f"line: {first}")
    connection = api.over(api.unix())
    connection.request("GET", "/v1/logs?tail=50", headers={"Accept": "application/x-ndjson"})
    line = json.loads(connection.getresponse().readline())
    expect(line["event"] == "log" and line["id"] and line["message"], f"NDJSON: {line}")
    third = Stream(api, "/v1/events")
    full = api.get("/v1/events")
    expect_problem(full, 503, "too_many_streams")
    expect("retry-after" in full.headers, "Retry-After")
    third.close()
    wait_for(lambda: Stream(api, "/v1/events").response.status == 200, 5, "room again")
    # Longer than a connection may be idle: streams are not.
    api.ask("PATCH", "/v1/log/levels", {"level": "debug"})
    time.sleep(3)
    api.ask("POST", "/v1/peers/reset", {})
    started = time.monotonic()
    comment = lines.response.readline()
    expect(time.monotonic() - started < 16 and comment, "still open")


@lab.test
def http_slow_reader(laboratory):
    node, api = one(laboratory, limits={"requestsPerSecond": 1000000})
    slow = Stream(api, "/v1/logs?level=info")
    fast = Stream(api, "/v1/logs?level=info&modules=nothing")
    before = memory_kib(node)
    connection = api.over(api.unix())
    for _ in range(6000):
        connection.request("PATCH", "/v1/log/levels", '{"level": "info"}',
                           {"Content-Type": "application/json"})
        connection.getresponse().read()
    check_growth(node, before, 8000)
    event = slow.next()
    while event["event"] == "log":
        event = slow.next()
    expect(event["event"] == "dropped" and event["data"]["count"] > 100, f"told so: {event}")
    expect(slow.next()["event"] == "log", "and it goes on")
    fast.close()


# ---------------------------------------------------------------- calls that take their time

@lab.test
def http_items(laboratory):
    a, b = two_joined(laboratory)
    api = with_api(a)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    body = {"address": b.address}

    def trace(accept):
        return api.ask("POST", "/v1/traceroute", body, {"Accept": accept})
    whole = wait_for(lambda: (lambda t: t.status == 200 and t)(trace("application/json")), 15,
                     lambda: f"an answer, not {trace('*/*')}")
    items = whole.json()["items"]
    expect(items and all(isinstance(item, dict) for item in items), f"items: {whole}")
    lines = [json.loads(line) for line in trace("application/x-ndjson").body.splitlines()]
    expect(len(lines) == len(items) + 1 and "result" in lines[-1], f"lines: {lines}")
    stream = trace("text/event-stream")
    expect(stream.headers["content-type"] == "text/event-stream", str(stream))
    kinds = re.findall(r"^event: (\w+)$", stream.body.decode(), re.MULTILINE)
    expect(kinds == ["item"] * len(items) + ["result"], f"events: {kinds}")
    wrong = api.ask("POST", "/v1/traceroute", {"address": "nowhere"},
                    {"Accept": "text/event-stream"})
    expect(wrong.status >= 400 and "problem" in wrong.headers["content-type"], str(wrong))


@lab.test
def http_client_goes_away(laboratory):
    a, b = two_joined(laboratory)
    api = with_api(a)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    peers = wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    b.process.send_signal(signal.SIGSTOP)  # it does not answer any more
    body = json.dumps({"target": peers[0]["label"], "timeout_ms": 60000}).encode()
    sock = api.unix()
    sock.sendall(b"POST /v1/ping/switch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def counters():
        return api.get("/v1/node/counters").json()
    wait_for(lambda: counters()["queues"]["calls"] == 2, 5, "the call is under way")
    expect(counters()["rpc"]["cancelled"] == 0, "it waits")
    sock.close()
    wait_for(lambda: counters()["rpc"]["cancelled"] == 1, 5, "the call is cancelled")
    expect(counters()["queues"]["calls"] == 1, "nothing is left")
    b.process.send_signal(signal.SIGCONT)


# ---------------------------------------------------------------- limits

def ping_losses(node, other, seconds):
    """Starts a ping through the mesh; a function that waits for its end and tells the losses."""
    command = ["ip", "netns", "exec", node.name, "ping", "-6", "-q", "-i", "0.1", "-w", str(seconds),
               other.address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def finish():
        out = process.communicate()[0]
        match = re.search(r"(\d+) packets transmitted, (\d+) received", out)
        expect(match, f"ping: {out}")
        return int(match[1]) - int(match[2]), out
    return finish


def connect_many(api, count):
    """Opens that many connections without a word; those that are closed at once count too."""
    socks = []
    for _ in range(count):
        with isolate.Network(api.node.name):
            sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.connect(("127.0.0.1", PORT))
        except BlockingIOError:
            pass
        socks.append(sock)
    return socks


def trickle(socks):
    """A byte of a header on each; how many are still there to take it."""
    alive = 0
    for sock in socks:
        try:
            sock.send(b"X")
            alive += 1
        except OSError:
            pass
    return alive


def is_served(api):
    try:
        return api.tcp_get("/healthz").status == 200
    except (OSError, http.client.HTTPException):
        return False


@lab.test
def http_under_attack(laboratory):
    a, b = two_joined(laboratory)
    limits = {"receiveSeconds": 3}
    api = with_api(a, limits=limits)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    wait_for(lambda: subprocess.run(["ip", "netns", "exec", a.name, "ping", "-6", "-c1", "-W1",
                                     b.address], stdout=subprocess.DEVNULL, check=False
                                    ).returncode == 0, 20, "a ping")
    before = memory_kib(a)
    finish = ping_losses(a, b, 12)
    slow = connect_many(api, 40)
    for sock in slow:
        try:
            sock.send(b"GET /v1/node HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        except OSError:
            pass
    # Of one client there is room for 32; the unix socket has its own.
    expect(api.is_up(), "another client is served meanwhile")
    refused = api.tcp_get("/healthz")
    expect_problem(refused, 503, "too_many_connections")
    expect("retry-after" in refused.headers, f"Retry-After: {refused}")
    wait_for(lambda: trickle(slow) == 0 or time.sleep(0.2), 8, "the slow ones are gone")
    resource.setrlimit(resource.RLIMIT_NOFILE, (12000, 12000))
    flood = connect_many(api, 10000)
    expect(api.is_up(), "another client is served meanwhile")
    for sock in flood:
        sock.close()
    wait_for(lambda: is_served(api), 10, "served again")
    lost, out = finish()
    expect(lost <= 2, f"the data path did not notice: {out}")
    check_growth(a, before, 20000)
    counters = promtext.parse(api.get("/metrics").body.decode())
    for name in ("late_connections", "refused_connections"):
        value = counters[f"cjdns_admin_{name}_total"].samples[0][1]
        expect(value > 0, f"{name} is counted")


REQUESTS = [
    b"GET /v1/node HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/peers?limit=5&state=established HTTP/1.1\r\nHost: x\r\nAccept: */*;q=0.5\r\n\r\n",
    b"HEAD /v1/methods HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"a\", W/\"b\"\r\n\r\n",
    b"POST /v1/rpc/node.info HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    b"POST /v1/peers/reset HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"GET /v1/events?types=peer.* HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0-1\r\n\r\n",
    b"OPTIONS /v1/peers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET http://x:1/metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer y\r\n\r\n"]


def spoil(source, text):
    """A request with a few bytes changed, cut out, doubled, or another one behind it."""
    data = bytearray(text)
    for _ in range(source.randrange(4)):
        at = source.randrange(len(data) + 1)
        kind = source.randrange(4)
        if kind == 0:
            data[at:at + 1] = bytes([source.randrange(256)])
        elif kind == 1:
            del data[at:at + source.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = data[at:at + source.randrange(1, 40)]
        else:
            data += source.choice(REQUESTS)
    return bytes(data)


@lab.test
def http_garbage(laboratory):
    node, api = one(laboratory, limits={"connectionsPerClient": 1000, "connections": 1000,
                                        "receiveSeconds": 2, "requestsPerSecond": 1000000})
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    source = random.Random(seed)
    for _ in range(1500):
        sock = api.unix()
        data = spoil(source, source.choice(REQUESTS))
        cut = source.randrange(len(data) + 1)
        try:
            sock.sendall(data[:cut])
            sock.sendall(data[cut:])
            if source.randrange(3):
                sock.settimeout(0.002)
                sock.recv(4096)
        except OSError:
            pass  # refused, or nothing to say
        sock.close()
    expect(node.is_running() and api.is_up(), "the node is as before")
    expect(node.stop() == 0, "and ends in order")


@lab.test
def http_rate(laboratory):
    _, api = one(laboratory, limits={"requestsPerSecond": 5})
    answers = [api.get("/healthz") for _ in range(20)]
    limited = [a for a in answers if a.status == 429]
    expect(limited and limited[0].headers["retry-after"] == "1", "some are refused")
    expect(answers[0].status == 200, "the first are not")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    lab.main()
