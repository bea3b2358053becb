"""admin-http on a live node: who may do what, browsers, conventions, metrics, the manual."""
import hashlib
import os
import re
import signal
import subprocess
import sys

import isolate
import lab
import promtext
from common import expect, two_joined
from http_api import PORT, Api, expect_problem, one, with_api
from nodes import wait_for

TOKENS = {"reader": ["read"], "prober": ["read", "probe"], "scraper": ["metrics"],
          "writer": ["read", "write"]}


def token_entries():
    entries = [{"name": name, "scopes": scopes, "sha256": hashlib.sha256(name.encode()).hexdigest()}
               for name, scopes in TOKENS.items()]
    entries.append({"name": "old", "scopes": ["all"], "expires": "2020-01-01",
                    "sha256": hashlib.sha256(b"old").hexdigest()})
    return entries


# ---------------------------------------------------------------- access

@lab.test
def http_tokens(laboratory):
    _, api = one(laboratory, tokens=token_entries())
    missing = api.tcp_get("/v1/node")
    expect_problem(missing, 401, "token_missing")
    expect("Bearer" in missing.headers["www-authenticate"], f"how to: {missing}")
    expect_problem(api.tcp_get("/v1/nothing"), 401, "token_missing")
    expect_problem(api.tcp_get("/v1/node", api.bearer("old")), 401, "wrong_token")
    expect(not os.path.exists(api.token_path), "no token is made where there are some")
    for path in ("/healthz", "/readyz", "/v1/openapi.json"):
        expect(api.tcp_get(path).status == 200, f"{path} needs no token")
    expect(api.tcp_get("/v1/node", api.bearer("reader")).status == 200, "reading")
    refused = api.tcp_get("/v1/peers/reset", api.bearer("reader"), "POST", {})
    expect(expect_problem(refused, 403, "scope_missing")["required_scope"] == "write", "scope")
    by_name = api.tcp_get("/v1/rpc/peers.reset", api.bearer("reader"), "POST", {})
    expect_problem(by_name, 403, "scope_missing")
    expect(api.tcp_get("/v1/peers/reset", api.bearer("writer"), "POST", {}).status == 200, "write")
    expect(api.tcp_get("/metrics", api.bearer("scraper")).status == 200, "metrics")
    expect_problem(api.tcp_get("/v1/node", api.bearer("scraper")), 403, "scope_missing")
    expect(api.tcp_get("/metrics", api.bearer("reader")).status == 200, "read includes metrics")


@lab.test
def http_wrong_tokens_are_slowed(laboratory):
    node, api = one(laboratory, tokens=token_entries())
    statuses = [api.tcp_get("/v1/node", api.bearer(f"guess{i}")).status for i in range(12)]
    expect(statuses == [401] * 10 + [429] * 2, f"statuses: {statuses}")
    expect("retry-after" in api.tcp_get("/v1/node", api.bearer("guess")).headers, "Retry-After")
    expect(api.tcp_get("/v1/node", api.bearer("reader")).status == 200, "the right one still works")
    warnings = re.findall(r"warn.*wrong token.* from 127\.0\.0\.1", node.log())
    expect(len(warnings) == 1, f"the operator is told, once: {warnings}")


def ask_as(uid, api, verb, path):
    """Status of a request of another user over the unix socket; 0: no connection."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            status = api.ask(verb, path).status
        except OSError:
            status = 0
        os.write(write, str(status).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write)
    with os.fdopen(read) as file:
        return int(file.read())


@lab.test
def http_unix_socket(laboratory):
    access = [{"user": "4711", "scopes": ["read"]}, {"group": "4712", "scopes": ["metrics"]}]
    _, api = one(laboratory, access=access)
    expect(api.ask("POST", "/v1/peers/reset", {}).status == 200, "root may do all")
    expect(ask_as(4711, api, "GET", "/v1/node") == 200, "a user that is named")
    expect(ask_as(4711, api, "POST", "/v1/peers/reset") == 403, "but no more than that")
    expect(ask_as(4712, api, "GET", "/metrics") == 200, "a group that is named")
    expect(ask_as(4712, api, "GET", "/v1/node") == 403, "but no more than that")
    expect(ask_as(4713, api, "GET", "/v1/node") == 403, "others nothing")
    expect(ask_as(65534, api, "GET", "/v1/node") == 403, "nobody nothing, though the daemon is it")
    os.chmod(api.path, 0o660)
    expect(ask_as(4713, api, "GET", "/v1/node") == 0, "the mode keeps others out")
    expect(os.stat(api.token_path).st_mode & 0o777 == 0o600, "the token is for its owner only")


@lab.test
def http_over_the_mesh(laboratory):
    a, b = two_joined(laboratory)
    c = laboratory.node("c")
    laboratory.join(c, a)
    api = with_api(a, access=[{"publicKey": b.key, "scopes": ["read"]}])
    old = a.change

    def change(tree):
        old(tree)
        tree["plugins"][-1]["config"]["listen"].append(f"mesh:{PORT}?device=tun0")
        # The device has to be there when it is bound to.
        tree["plugins"].append(tree["plugins"].pop(0))
    a.change = change
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    host = f"[{a.address}]:{PORT}"

    def over_mesh(other, verb="GET", path="/v1/node"):
        connection = api.over(api.tcp(a.address, other), host)
        connection.request(verb, path)
        return connection.getresponse().status

    def answers():
        try:
            return over_mesh(b)
        except OSError:
            return None
    expect(wait_for(answers, 20, "an answer through the mesh") == 200, "b may read")
    expect(over_mesh(b, "POST", "/v1/peers/reset") == 403, "b may not write")
    wait_for(lambda: b is not c, 1, "")
    expect(over_mesh(c) in (401, 403), "c may nothing")


# ---------------------------------------------------------------- browsers

DEFENCES = {"x-content-type-options": "nosniff", "x-frame-options": "DENY",
            "referrer-policy": "no-referrer", "cache-control": "no-store"}


@lab.test
def http_browsers(laboratory):
    _, api = one(laboratory, corsOrigins=["https://dash.example"], hostNames=["box.example"])
    good = api.bearer()

    def status(path="/v1/node", **headers):
        return api.tcp_get(path, {**good, **{k.replace("_", "-"): v for k, v in headers.items()}})
    for host in (f"evil.example:{PORT}", f"evil.example", "127.0.0.1", "127.0.0.1:80", ""):
        expect_problem(status(Host=host), 421, "wrong_host")
    for host in (f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"box.example:{PORT}"):
        expect(status(Host=host).status == 200, f"{host} is a good name")
    for path in ("/healthz", "/metrics", "/v1/openapi.json", "/v1/events", "/nothing"):
        expect_problem(status(path, Origin="http://evil.example"), 403, "foreign_origin")
    for origin in ("null", "http://evil.example", f"https://127.0.0.1:{PORT}"):
        expect_problem(status(Origin=origin), 403, "foreign_origin")
    for site in ("cross-site", "same-site"):
        expect_problem(status(Sec_Fetch_Site=site), 403, "foreign_origin")
    own = status(Origin=f"http://127.0.0.1:{PORT}", Sec_Fetch_Site="same-origin")
    expect(own.status == 200, f"a page of our own: {own}")
    expect("access-control-allow-origin" not in own.headers, "no CORS")
    for answer in (own, status("/nothing"), status(Host="evil"), api.tcp_get("/v1/node")):
        for name, value in DEFENCES.items():
            expect(answer.headers.get(name) == value, f"{name} in {answer}")
        expect("default-src 'none'" in answer.headers["content-security-policy"], "CSP")
        expect("set-cookie" not in answer.headers, "no cookies")
    check_cors(api, status)


def check_cors(api, status):
    listed = status(Origin="https://dash.example", Sec_Fetch_Site="cross-site")
    expect(listed.status == 200, f"a listed page: {listed}")
    expect(listed.headers["access-control-allow-origin"] == "https://dash.example", "echo")
    expect("access-control-allow-credentials" not in listed.headers, "no credentials")
    preflight = api.tcp_get("/v1/peers", {"Origin": "https://dash.example",
                                          "Access-Control-Request-Method": "GET"}, "OPTIONS")
    expect(preflight.status == 204 and preflight.headers["access-control-max-age"] == "600",
           f"preflight: {preflight}")
    plain = api.tcp_get("/v1/peers", {}, "OPTIONS")
    expect(plain.status == 204 and "GET" in plain.headers["allow"], f"OPTIONS: {plain}")
    expect(not any(name.startswith("access-control") for name in plain.headers), "without CORS")


# ---------------------------------------------------------------- conventions

@lab.test
def http_conventions(laboratory):
    _, api = one(laboratory)
    expect_problem(api.get("/v1/nothing"), 404, "unknown_path")
    expect_problem(api.get("/v1/peers/p-none"), 404, api.get("/v1/peers/p-none").json()["code"])
    verb = api.ask("PUT", "/v1/node", {})
    expect_problem(verb, 405, "method_not_allowed")
    expect(verb.headers["allow"] == "GET, HEAD, OPTIONS", f"Allow: {verb}")
    expect_problem(api.get("/v1/node", Accept="text/html"), 406, "not_acceptable")
    form = api.ask("POST", "/v1/peers/reset", "a=b",
                   {"Content-Type": "application/x-www-form-urlencoded"})
    expect_problem(form, 415, "not_json")
    bad = api.ask("POST", "/v1/peers/reset", "{", {"Content-Type": "application/json"})
    expect_problem(bad, 400, "malformed_body")
    unknown = expect_problem(api.ask("POST", "/v1/peers/reset", {"per": "x"}), 422,
                             "unknown_argument")
    expect(unknown["errors"][0]["pointer"] == "/per" and "peer" in unknown["hint"], str(unknown))
    expect_problem(api.get("/v1/peers?limit=many"), 422, "invalid_argument")
    expect_problem(api.get("/v1/peers?limit=1&limit=2"), 422, "repeated_argument")
    expect(api.ask("POST", "/v1/rpc/node.info", {}).json()["pid"] > 0, "a call by name")
    expect_problem(api.ask("POST", "/v1/rpc/none", {}), 404, "unknown_method")
    expect("items" in api.get("/v1/").json(), "the index")
    check_tags(api)
    check_framing(api)


def check_tags(api):
    first = api.get("/v1/methods")
    tag = first.headers["etag"]
    expect(api.get("/v1/methods", If_None_Match=tag).status == 304, "not modified")
    expect(api.get("/v1/methods", If_None_Match=f'"x", W/{tag}').status == 304, "of a list")
    expect(api.get("/v1/methods", If_None_Match='"x"').status == 200, "modified")
    head = api.ask("HEAD", "/v1/methods")
    expect(head.status == 200 and head.body == b"" and head.headers["etag"] == tag, f"HEAD: {head}")
    expect(head.headers["content-length"] == str(len(first.body)), "length of what is not sent")
    level = {"level": "info"}
    seen = api.get("/v1/log/levels").headers["etag"]
    changed = api.ask("PATCH", "/v1/log/levels", level, {"If-Match": '"x"'})
    expect_problem(changed, 412, "changed")
    expect(api.ask("PATCH", "/v1/log/levels", level, {"If-Match": seen}).status == 200, "If-Match")


def raw(api, text, until_end=True):
    """What comes back for bytes as they are."""
    sock = api.unix()
    sock.sendall(text)
    data = b""
    while True:
        piece = sock.recv(65536)
        data += piece
        if not piece or not until_end:
            return data


def check_framing(api):
    good = b"GET /v1/log/levels HTTP/1.1\r\nHost: x\r\n"
    last = good + b"Connection: close\r\n\r\n"
    expect(raw(api, good + b"\r\n" + last).count(b"HTTP/1.1 200") == 2, "two in one piece")
    expect(raw(api, b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200"), "HTTP/1.0")
    chunked = (b"POST /v1/rpc/node.info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
               b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
    expect(raw(api, chunked).startswith(b"HTTP/1.1 200"), "a body in pieces")
    for text in (b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET /\x00 HTTP/1.1\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
                 good + b"Host: y\r\n\r\n", good + b"no colon\r\n\r\n",
                 good + b"Content-Length: -5\r\n\r\n", good + b"Content-Length: 1x\r\n\r\n1",
                 good + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 good + b"Transfer-Encoding: gzip\r\n\r\n",
                 b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET //v1 HTTP/1.1\r\nHost: x\r\n\r\n"):
        answer = raw(api, text)
        expect(re.match(rb"HTTP/1\.[01] 400", answer) or answer == b"", f"{text}: {answer[:200]}")
    big = raw(api, good + b"X: " + b"y" * 20000 + b"\r\n\r\n")
    expect(re.match(rb"HTTP/1\.1 4(13|00)", big), f"a large header: {big[:100]}")
    large = raw(api, b"POST /v1/peers/reset HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
                + b"x" * 200000)
    expect(large.startswith(b"HTTP/1.1 413"), f"a large body: {large[:100]}")
    expect(api.is_up(), "after all that")


@lab.test
def http_reload(laboratory):
    node, api = one(laboratory, tokens=token_entries())
    old = node.change

    def without_reader(tree):
        old(tree)
        tokens = tree["plugins"][-1]["config"]["tokens"]
        tokens[:] = [t for t in tokens if t["name"] != "reader"]
    expect(api.tcp_get("/v1/node", api.bearer("reader")).status == 200, "good at first")
    node.change = without_reader
    node.write_config()
    node.process.send_signal(signal.SIGHUP)
    wait_for(lambda: api.tcp_get("/v1/node", api.bearer("reader")).status in (401, 429), 10,
             "the token is not good any more")
    expect(api.tcp_get("/v1/node", api.bearer("writer")).status == 200, "others are")


# ---------------------------------------------------------------- metrics and description

@lab.test
def http_metrics(laboratory):
    a, b = two_joined(laboratory)
    api = with_api(a)
    laboratory.start()
    wait_for(api.is_up, 10, "the interface answers")
    wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    answer = api.get("/metrics")
    expect(answer.headers["content-type"].startswith("text/plain; version=0.0.4"), str(answer))
    families = promtext.parse(answer.body.decode())
    problems = promtext.lint(families)
    expect(not problems, f"rules of promtool: {problems}")
    expect(families["cjdns_peers"].value(state="established") == 1, "one neighbour")
    expect(families["cjdns_peer_up"].value(peer=b.address) == 1, "which is up")
    expect(families["cjdns_receive_bytes_total"].value() > 0, "bytes came")
    later = promtext.parse(api.get("/metrics").body.decode())
    for name, family in families.items():
        if family.kind == "counter":
            for labels, value in family.samples:
                expect(later[name].value(**dict(labels)) >= value, f"{name} only grows")


@lab.test
def http_openapi(laboratory):
    _, api = one(laboratory)
    document = api.get("/v1/openapi.json").json()
    methods = api.get("/v1/methods").json()["items"]
    described = {op["operationId"] for path in document["paths"].values() for op in path.values()}
    missing = [m["name"] for m in methods if m["name"] not in described]
    expect(not missing, f"not described: {missing}")
    for path, operations in document["paths"].items():
        captured = set(re.findall(r"\{(\w+)\}", path))
        for operation in operations.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            expect(named == captured, f"{path}: {named} for {captured}")
    try:
        from openapi_spec_validator import validate
    except ImportError:
        print("openapi_spec_validator is not installed: own checks only")
    else:
        validate(document)


@lab.test
def http_page(laboratory):
    _, api = one(laboratory)
    page = api.tcp_get("/")
    expect(page.status == 200 and page.headers["content-type"].startswith("text/html"), str(page))
    policy = page.headers["content-security-policy"]
    expect("default-src 'self'" in policy and "frame-ancestors 'none'" in policy, policy)
    text = page.body.decode()
    expect(not re.search(r"<script>|<style|\son\w+=|style=|https?://", text), "nothing inline")
    for path in re.findall(r'(?:src|href)="([^"]+)"', text):
        part = api.tcp_get(path)
        expect(part.status == 200, f"{path}: {part}")
        expect(api.tcp_get(path, {"If-None-Match": part.headers["etag"]}).status == 304, "ETag")
    script = api.tcp_get("/app.js").body.decode()
    for path in re.findall(r'get\("([^"?]+)', script):
        expect(api.get(path).status == 200, f"{path}, which the page asks for")
    expect_problem(api.tcp_get("/", verb="POST", body={}), 405, "method_not_allowed")
    expect_problem(api.tcp_get("/", {"Origin": "http://evil.example"}), 403, "foreign_origin")


# ---------------------------------------------------------------- sockets

@lab.test
def http_socket_taken(laboratory):
    first, api = one(laboratory)
    second = laboratory.node("b")
    second.has_tun = False
    second.change = lambda tree: tree["plugins"].append(
        {"plugin": "admin-http", "config": {"listen": [f"unix:{api.path}"]}})
    second.start()
    second.wait_log(rf"plugin admin-http is left out.*{re.escape(api.path)} is in use by process "
                    rf"{first.process.pid}")
    second.wait_log("ready address")
    expect(api.get("/v1/node").json()["pid"] == first.process.pid, "the first has it still")
    second.stop()
    first.kill()
    expect(os.path.exists(api.path), "the file is left behind")
    first.start()
    wait_for(api.is_up, 10, "a stale socket is replaced")
    expect(first.stop() == 0, "an orderly end")


# ---------------------------------------------------------------- the manual

def examples(path):
    """The commands of all ```sh blocks that begin with "curl"."""
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"^```sh\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)
    return [command.strip() for block in blocks
            for command in re.split(r"\n(?=curl|TOKEN=)", "\n" + block)
            if re.match(r"curl|TOKEN=", command.strip())]


@lab.test
def http_examples_of_the_manual(laboratory):
    files = [os.path.join(lab.ROOT, *name.split("/")) for name in
             ("README.md", "docs/admin-http.md", "docs/admin-rpc.md",
              "plugins/admin-http/README.md")]
    a, b = two_joined(laboratory)
    a.change = lambda tree: tree["plugins"].append({"plugin": "admin-http", "config": {
        "listen": ["unix:/run/cjdns/api.sock?mode=0660", f"tcp:127.0.0.1:{PORT}"]}})
    laboratory.start()
    a.wait_log("ready address", 10)
    api = Api(a)
    api.path = "/run/cjdns/api.sock"
    wait_for(lambda: api.get("/v1/peers?state=established").json()["items"], 15, "a peering")
    found = [c for path in files for c in examples(path)]
    expect(len(found) >= 12, f"only {len(found)} examples")
    environment = "set -euo pipefail\n"
    for command in found:
        if command.startswith("TOKEN="):
            environment += command + "\n"
            continue
        run_example(a, environment, command)


def run_example(node, environment, command):
    """A stream is ended after two seconds; everything else has to succeed by itself."""
    is_stream = re.match(r"curl -\w*N ", command)
    text = environment + re.sub(r"^curl ", "curl --fail-with-body --max-time "
                                f"{2 if is_stream else 20} ", command)
    done = subprocess.run(["ip", "netns", "exec", node.name, "bash", "-c", text],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    wanted = (0, 28) if is_stream else (0,)
    expect(done.returncode in wanted and done.stdout, f"{command}: {done.returncode} {done.stdout}")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    lab.main()
