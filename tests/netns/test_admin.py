"""The bencode admin protocol of a running node: what it does, and what it refuses."""
import json
import os
import random
import re
import socket
import time

from admin_client import Admin, PORT, decode, encode
from common import expect, run
from lab import ROOT, ip, main, test
from nodes import EthernetLinks, Failure, wait_for
from test_life import resident_kib

PASSWORD = "a password that is longer than fifty-three bytes, as none of the reference may be"


def with_admin(node, also=None, **config):
    """Adds the admin plugin to a node's configuration; `also` changes the rest."""
    def change(tree):
        if also:
            also(tree)
        tree["plugins"].append({"plugin": "admin-udp", "config": {"password": PASSWORD, **config}})
    node.change = change
    return node


def row(lab, **config):
    """Three nodes in a row; the admin plugin is on the middle one, b. Waits until all know all."""
    nodes = [lab.node(name) for name in "abc"]
    lab.join(nodes[0], nodes[1])
    lab.join(nodes[1], nodes[2])
    with_admin(nodes[1], **config)
    lab.start()
    nodes[1].wait_log("(listening on|send to) 127.0.0.1:11234")
    admin = Admin(nodes[1], config.get("password", PASSWORD))
    admin.until("NodeStore_dumpTable", lambda t: t.get("count") == 3 and
                all(r["path"] != "ffff.ffff.ffff.ffff" for r in t["routingTable"]), page=0)
    return nodes, admin


def error(answer):
    return answer.get("error")


@test
def admin_shape_and_auth(lab):
    """§2 to §5: datagrams, cookies, hashes."""
    node = with_admin(lab.node("b"))
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(node, PASSWORD)
    expect(admin.exchange(b"d1:q4:pinge") == b"d1:q4:ponge", "ping is not answered by the letter")
    expect(admin.exchange(b"d1:q04:ping4:txid4:\x00\xff\x01\x02e") ==
           b"d1:q4:pong4:txid4:\x00\xff\x01\x02e", "a binary txid does not come back")
    for silent in (b"", b"garbage", b"d1:q4:pinge\n", b"d4:txid4:abcde", b"le", b"d1:q4:ping",
                   b"d" * 500, b"d1:qi5ee"):
        if silent:
            expect(admin.exchange(silent, within=0.1) is None, f"{silent!r} was answered")
    padding = 512 - len(encode({"q": "ping", "txid": "abcd", "z": "y" * 100})) + 100
    whole = encode({"q": "ping", "txid": "abcd", "z": "y" * padding})
    expect(len(whole) == 512 and admin.exchange(whole) == b"d1:q4:pong4:txid4:abcde",
           "512 bytes are not taken")
    expect(admin.exchange(b"x" * 513) == b"d5:error16:Request too big.e", "513 bytes")

    unknown = "No functions matched your request, try Admin_availableFunctions()"
    expect(decode(admin.exchange(encode({"q": "no_such"})))["error"] == unknown, "unknown function")
    expect(decode(admin.exchange(encode({"q": "Core_exit"})))["error"] == unknown, "without auth")
    expect(admin.call("no_such")["error"] == unknown, "unknown function, signed")

    now = int(admin.cookie())
    expect(abs(now - time.time()) < 5, "the cookie is no time")
    ping = {"q": "auth", "aq": "ping", "args": {}, "txid": "abcd"}

    def signed(**changes):
        return decode(admin.exchange(admin.sign(ping, **changes)))
    good, bad = {"q": "pong", "txid": "abcd"}, {"error": "Auth failed.", "txid": "abcd"}
    expect(signed() == good, "a good hash")
    datagram = admin.sign(ping)
    expect(decode(admin.exchange(datagram)) == good == decode(admin.exchange(datagram)), "replay")
    expect(signed(password="wrong") == bad, "a wrong password")
    expect(signed(cookie=now - 10) == good, "a cookie of 10 s")
    expect(signed(cookie=now - 40) == bad, "a cookie of 40 s")
    expect(signed(cookie=now + 30) == bad, "a cookie of the future")
    expect(signed(cookie="junk") == bad, "a cookie that is none")
    for missing in ("hash", "cookie"):
        fields = {**ping, "cookie": str(now), "hash": "0" * 64}
        del fields[missing]
        expect(decode(admin.exchange(encode(fields))) == bad, f"no {missing}")
    expect(PASSWORD not in node.log(), "the password is in the log")


@test
def admin_functions(lab):
    """What tools read, on a row of three nodes."""
    def listen(tree):
        tree["plugins"][0]["config"]["beacon"] = {"mode": "accept"}
    (a, b, c), admin = row(lab, also=listen)
    info = admin.good("Core_nodeInfo")
    expect(info["myAddr"] == f"v{info['version']}.0000.0000.0000.0001.{b.key}", info)
    expect(info["compressedSchemeHex"] == "6114458100", info)
    expect(admin.good("Core_pid")["pid"] > 0, "pid")

    peers = admin.pages("InterfaceController_peerStats", "peers")
    expect({p["publicKey"] for p in peers} == {a.key, c.key}, peers)
    expect(all(p["state"] == "ESTABLISHED" for p in peers), peers)
    incoming = [p for p in peers if p["isIncoming"]]
    expect(len(incoming) == 1 and incoming[0]["user"] == "default-login", peers)
    expect(abs(time.time() * 1000 - peers[0]["last"]) < 60000, "time of the last message")

    interfaces = admin.good("InterfaceController_interfaces")["ifaces"]
    expect([(i["ifNum"], i["name"], i["beaconState"]) for i in interfaces] ==
           [(1, "UDP/IPv6/[::]:5199", "DISABLED"), (0, "UDP/IPv4/0.0.0.0:5199", "ACCEPTING")],
           interfaces)
    beacon = admin.good("UDPInterface_beacon", state=2)
    expect(beacon["stateName"] == "sending and accepting", beacon)
    expect("restart" in error(admin.call("UDPInterface_beacon", state=0)), "switched off")
    expect(error(admin.call("UDPInterface_beacon", interfaceNumber=7, state=1)) ==
           "invalid interfaceNumber", "interface 7")

    table = admin.good("NodeStore_dumpTable", page=0)["routingTable"]
    expect(table[0]["path"] == "0000.0000.0000.0001" and table[0]["bucket"] == 127, table[0])
    peer = next(p for p in peers if p["publicKey"] == a.key)
    node = admin.good("NodeStore_nodeForAddr", ip=a.address)["result"]
    expect(node["key"] == a.key and node["routeLabel"] == peer["switchLabel"], node)
    link = admin.good("NodeStore_getLink", linkNum=0, parent=b.address)["result"]
    expect(link["isOneHop"] == 1, link)

    for path in (a.address, peer["switchLabel"], peer["addr"]):
        pong = admin.call("RouterModule_pingNode", path=path)
        expect(pong.get("result") == "pong" and pong["addr"] == peer["addr"], pong)
    pong = admin.good("SwitchPinger_ping", path=peer["switchLabel"], data="hello", keyPing=1)
    expect((pong["result"], pong["data"], pong["key"]) == ("pong", "hello", a.key), pong)
    asked = admin.good("RouterModule_getPeers", path=peer["addr"])
    expect(any(b.key in p for p in asked["peers"]), asked)
    asked = admin.good("RouterModule_nextHop", nodeToQuery="0000.0000.0000.0001", target=c.address)
    expect(any(c.key in n for n in asked["nodes"]), asked)

    handles = admin.until("SessionManager_getHandles", lambda h: h["total"] >= 1)["handles"]
    session = admin.good("SessionManager_sessionStats", handle=handles[0])
    expect(session["publicKey"] in (a.key, c.key), session)
    expect(error(admin.call("SessionManager_resetCA", ip6=session["ip6"])) == "none", "reset")
    expect(admin.call("InterfaceController_resetPeering", pubkey=a.key) == {"success": 1}, "reset")
    gone = admin.call("InterfaceController_disconnectPeer", pubkey=c.key)
    expect(gone == {"success": 1}, gone)


@test
def admin_search_and_late_answers(lab):
    """Several datagrams with one txid; answers that overtake each other."""
    (a, _, c), admin = row(lab)
    admin.send(admin.request("SearchRunner_search", {"ipv6": c.address}, "srch"))
    parts = []
    while not parts or "complete" not in parts[-1]:
        data = admin.receive()
        expect(data is not None, f"the search does not end: {parts}")
        parts.append(decode(data))
    expect(all(p["txid"] == "srch" for p in parts), parts)
    expect(any(c.key in p.get("from", "") for p in parts), parts)
    expect(parts[-1] == {"complete": 1, "error": "none", "txid": "srch"}, parts[-1])

    slow = admin.request("SwitchPinger_ping", {"path": "0000.0000.0000.ffff", "timeout": 600}, "slow")
    fast = admin.request("ping", {}, "fast")
    admin.send(slow)
    admin.send(fast)
    answers = [decode(admin.receive()) for _ in range(2)]
    expect({x["txid"] for x in answers} == {"slow", "fast"}, answers)
    expect(a.is_running(), "a neighbour ended")


@test
def admin_log(lab):
    """§9: lines as they come, by level; the subscription ends when nobody is there any more."""
    node = with_admin(lab.node("b"))
    node.log_level = "warn"
    lab.start()
    admin = Admin(node, PASSWORD)
    wait_for(lambda: admin.exchange(b"d1:q4:pinge", 0.1), 5, "an answer")
    expect("Invalid line" in error(admin.call("AdminLog_subscribe", line=-1)), "line -1")
    admin.send(admin.request("AdminLog_subscribe", {"level": "debug"}, "logs"))
    first = decode(admin.receive())
    expect(first["error"] == "none" and len(first["streamId"]) == 16, first)
    other = Admin(node, PASSWORD)
    expect(error(other.call("AdminLog_logMany", count=3)) == "none", "logMany")
    lines = [decode(admin.receive()) for _ in range(3)]
    for line in lines:
        expect(line["txid"] == "logs" and line["streamId"] == first["streamId"], line)
        expect(line["level"] == "DEBUG" and line["file"] == "admin-udp", line)
        expect(abs(line["time"] - time.time()) < 5, line)
    expect("message number" not in node.log(), "lines for a follower appear in the log itself")
    entries = other.call("AdminLog_subscriptions")["entries"]
    expect(entries[0]["streamId"] == first["streamId"] and entries[0]["level"] == "DEBUG", entries)
    expect(error(other.call("AdminLog_unsubscribe", streamId=first["streamId"])) == "none", "end")
    expect(other.call("AdminLog_subscriptions")["entries"] == [], "it is still there")
    for _ in range(64):
        expect(error(other.call("AdminLog_subscribe")) == "none", "64 subscriptions")
    expect(error(other.call("AdminLog_subscribe")) == "Max subscription count reached.", "the 65th")


@test
def admin_passwords(lab):
    """A login that is added lets a neighbour in, one that is removed throws it out."""
    a, b = lab.node("a"), with_admin(lab.node("b"))
    lab.link(a, b)
    a.connect(b, login="later", password="added while it runs")
    lab.start()
    b.wait_log("refused a neighbour")
    admin = Admin(b, PASSWORD)
    expect(error(admin.call("AuthorizedPasswords_add", user="later",
                            password="added while it runs")) == "none", "add")
    expect("later" in admin.good("AuthorizedPasswords_list")["users"], "list")
    admin.until("InterfaceController_peerStats", lambda s: any(
        p["state"] == "ESTABLISHED" and p.get("user") == "later" for p in s["peers"]))
    expect(error(admin.call("AuthorizedPasswords_remove", user="later")) == "none", "remove")
    admin.until("InterfaceController_peerStats", lambda s: not any(
        p["state"] == "ESTABLISHED" for p in s["peers"]))
    expect("added while it runs" not in b.log(), "a password is in the log")


@test
def admin_defects_of_the_reference(lab):
    """§12: what crashes the reference leaves this node running."""
    node = with_admin(lab.node("b"))
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(node, PASSWORD)
    expect(admin.call("InterfaceController_peerStats", page=-1) == {"peers": [], "total": 0}, "-1")
    expect(admin.call("AuthorizedPasswords_list", page=-1)["users"] == [], "passwords -1")
    expect(admin.call("SessionManager_getHandles", page=-1)["handles"] == [], "handles -1")
    expect(admin.call("NodeStore_dumpTable", page=-1)["routingTable"] == [], "table -1")
    expect(admin.call("Admin_availableFunctions", page=-1)["availableFunctions"] == {}, "-1")
    expect(error(admin.call("SwitchPinger_ping", path="junk")) == "path was not parsable.", "path")
    expect(error(admin.call("Core_initTunfd", tunfd=900)) == "Invalid tunfd", "tunfd")
    key = "023mq0xzn86pz9ql454p9rzgrxnsc7wcvlv6fhpprcq0ml8kkf20.k"
    begin = admin.call("UDPInterface_beginConnection", publicKey=key, address="127.0.0.1:6999",
                       interfaceNumber=0, login="b")
    expect(error(begin) not in ("none", None), begin)
    for function in ("Security_seccomp", "Security_nofiles"):
        expect(error(admin.call(function)) not in ("none", None), function)
    expect(admin.call("ping") == {"q": "pong"}, "it ended")


@test
def admin_registry_by_name(lab):
    """Methods of the registry can be called by their own names, with the password."""
    node = with_admin(lab.node("b"))
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(node, PASSWORD)
    expect(admin.good("peers.list", limit=5)["total"] == 0, "peers.list")
    wrong = admin.call("peers.list", limti=5)
    expect(wrong["code"] == "unknown_argument" and "limit" in wrong["hint"], wrong)
    plugins = {p["id"]: p["state"] for p in admin.good("plugins.list")["items"]}
    expect(plugins["admin-udp"] == "running", plugins)
    expect(admin.good("log.set_level", level="debug", module="dht")["modules"] == {"dht": "debug"},
           "log.set_level")
    expect(len(admin.good("log.recent", lines=3)["items"]) == 3, "log.recent")
    done = admin.good("node.reload")
    expect(done["applied"] == 1, done)
    secret = admin.good("config.get")
    expect(node.identity["privateKey"] not in json.dumps(secret), "a secret is shown")
    anonymous = Admin(node)
    expect("No functions" in anonymous.call("peers.list")["error"], "without password")


@test
def admin_signatures(lab):
    node = with_admin(lab.node("b"))
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(node, PASSWORD)
    signed = admin.good("Sign_sign", msgHash="abc")["signature"]
    expect(re.fullmatch("[0-9a-z]{52}_[0-9a-z]{103}", signed), signed)
    checked = admin.good("Sign_checkSig", msgHash="abc", signature=signed)
    expect(checked["pubkey"] == node.key, checked)
    expect(error(admin.call("Sign_checkSig", msgHash="abd", signature=signed)) ==
           "invalid signature", "another message")
    expect(error(admin.call("Sign_sign", msgHash="x" * 65)) == "msgHash too long, max 64 bytes",
           "too long")


@test
def admin_over_ethernet(lab):
    """ETHInterface_: a connection is begun and beacons are switched while the node runs."""
    a, b = with_admin(lab.node("a")), with_admin(lab.node("b"))
    lab.link(a, b)
    for node, device in ((a, "e0a"), (b, "e0b")):
        node.families, node.ethernet = (), EthernetLinks([device], mode="off")
    lab.start()
    b.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(b, PASSWORD)
    interface = admin.until("InterfaceController_interfaces", lambda i: i["total"] == 1)["ifaces"]
    expect(interface[0]["name"] == "ETH/e0b" and interface[0]["beaconState"] == "DISABLED", interface)
    mac = re.search(r"link/ether (\S+)", ip("-n", a.name, "link", "show", "e0a")).group(1)
    begin = {"publicKey": a.key, "macAddress": mac, "password": a.password,
             "login": "default-login", "peerName": "by hand"}
    expect(error(admin.call("ETHInterface_beginConnection", **{**begin, "macAddress": "junk"})) ==
           "invalid macAddress", "junk")
    expect(error(admin.call("ETHInterface_beginConnection", **begin, interfaceNumber=5)) ==
           "invalid interfaceNumber", "interface 5")
    expect(error(admin.call("ETHInterface_beginConnection", **{**begin, "publicKey": b.key})) ==
           "invalid publicKey", "its own key")
    expect(error(admin.call("ETHInterface_beginConnection", **begin)) == "none", "begin")
    admin.until("InterfaceController_peerStats", lambda s: any(
        p["state"] == "ESTABLISHED" and p["user"] == "by hand" for p in s["peers"]))
    expect(admin.good("ETHInterface_beacon", state=2)["stateName"] == "sending and accepting", "2")
    interface = admin.good("InterfaceController_interfaces")["ifaces"]
    expect(interface[0]["beaconState"] == "SENDING", interface)
    expect("lo" in admin.good("ETHInterface_listDevices")["devices"], "devices")


@test
def admin_exit(lab):
    node = with_admin(lab.node("b"))
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    expect(error(Admin(node, PASSWORD).call("Core_exit")) == "none", "Core_exit")
    expect(node.wait_exit(5) == 0, "its status")


@test
def admin_open_and_closed(lab):
    """§5.4: NONE on loopback; no password at all; NONE for everybody is refused."""
    node = with_admin(lab.node("b"), password="NONE")
    lab.start()
    node.wait_log("no password: whoever can send to 127.0.0.1:11234 controls this node")
    admin = Admin(node)
    expect(admin.call("Admin_asyncEnabled") == {"asyncEnabled": 1}, "eligible without a signature")
    expect(admin.good("AuthorizedPasswords_list")["total"] >= 1, "without a signature")
    expect(Admin(node, "NONE").good("Core_pid")["pid"] > 0, "signed with NONE")
    expect(error(Admin(node, "wrong").call("ping")) == "Auth failed.", "signed wrongly")
    lab.reset()

    node = lab.node("b")
    node.change = lambda tree: tree["plugins"].append({"plugin": "admin-udp", "config": {}})
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    admin = Admin(node)
    expect(admin.call("ping") == {"q": "pong"}, "ping")
    expect("No functions" in error(admin.call("AuthorizedPasswords_list")), "no password")
    lab.reset()

    node = with_admin(lab.node("b"), password="NONE", bind="0.0.0.0:11234")
    lab.start()
    node.wait_log("error: plugin \"admin-udp\": .*allowInsecure")
    node.wait_log("ready address=")
    expect("controls this node" not in node.log(), "NONE for everybody was accepted")


@test
def admin_address_taken(lab):
    """The node runs without this face, and says so."""
    node = with_admin(lab.node("b"))
    from isolate import Network
    with Network(node.name):
        blocker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    blocker.bind(("127.0.0.1", PORT))
    lab.start()
    node.wait_log("plugin admin-udp is left out: acquire: cannot listen on UDP 127.0.0.1:11234")
    node.wait_log("ready address=")
    blocker.close()


@test
def admin_over_tcp(lab):
    """§13.3: messages back to back, one write an answer."""
    node = with_admin(lab.node("b"), tcp=True, password="NONE")
    lab.start()
    node.wait_log("controls this node")
    admin = Admin(node, kind=socket.SOCK_STREAM)
    admin.send(b"d1:q4:pinge\nd1:q4:ping4:txid1:xe")
    data = b""
    wished = b"d1:q4:ponge" + b"d1:q4:pong4:txid1:xe"
    while len(data) < len(wished):
        more = admin.receive()
        expect(more, f"only {data!r}")
        data += more
    expect(data == wished, data)
    expect(decode(admin.exchange(encode({"q": "memory"})))["bytes"] > 0, "memory")
    admin.send(b"d1:q4:pi")
    expect(admin.receive(within=0.2) is None, "half a message was answered")
    expect(admin.exchange(b"nge") == b"d1:q4:ponge", "in two pieces")
    expect(admin.exchange(b"nonsense", within=2) == b"", "the connection stays open")
    expect(Admin(node).call("ping") == {"q": "pong"}, "UDP")


@test
def admin_of_a_reference_file(lab):
    """The section of a reference's file becomes the plugin, and it runs."""
    from common import REFERENCE_FILE
    node = lab.node("b")
    with open(node.config_path, "w", encoding="utf-8") as file:
        file.write(REFERENCE_FILE % {**node.identity, "password": node.password})
    node.write_config = lambda: None
    status, text = run(node, "--convert", node.config_path)
    expect(status == 0, text)
    entry = next(p for p in json.loads(text[text.index("\n{") if not text.startswith("{") else 0:])["plugins"] if p.get("plugin") == "admin-udp")
    expect(entry.get("enabled", True) and entry["config"]["bind"] == "127.0.0.1:11234", entry)
    node.start()
    admin = Admin(node)
    wait_for(lambda: admin.exchange(b"d1:q4:pinge", 0.1), 5, "an answer")
    expect(admin.good("Core_nodeInfo")["myAddr"].endswith(node.key), "the wrong node")


@test
def admin_limits(lab):
    """Anonymous requests beyond the rate are met with silence; the node goes on."""
    node = with_admin(lab.node("b"), anonymousPerSecond=50)
    lab.start()
    node.wait_log("listening on 127.0.0.1:11234")
    anonymous, admin = Admin(node), Admin(node, PASSWORD)
    for _ in range(500):
        anonymous.send(b"d1:q4:pinge")
    answers = 0
    while anonymous.receive(within=0.3):
        answers += 1
    expect(40 <= answers <= 250, f"{answers} answers")
    time.sleep(1)
    expect(admin.call("ping") == {"q": "pong"}, "with the password")
    if not node.is_running():
        raise Failure("it ended")


NEVER_SENT = {"Core_exit", "AdminLog_logMany"}


def seeds():
    """A request of each published function, as recorded."""
    with open(os.path.join(ROOT, "tests", "vectors", "admin.json"), encoding="utf-8") as file:
        recorded = json.load(file)["exchanges"]
    requests = [e["request"].get("json") or {} for e in recorded]
    return [encode({"q": r.get("aq", r["q"]), "args": r["args"], "txid": "t"}) for r in requests
            if isinstance(r.get("q"), str) and isinstance(r.get("args"), dict) and
            r.get("aq", r["q"]) not in NEVER_SENT]


def mutated(rng, datagram):
    data = bytearray(datagram)
    for _ in range(rng.randrange(1, 4)):
        at, kind = rng.randrange(len(data)), rng.randrange(4)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at:at + rng.randrange(1, 8)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 8))
        else:
            data[at:at] = data[rng.randrange(len(data)):][:rng.randrange(1, 32)]
        data = data or bytearray(b"d")
    return bytes(data[:600])


@test
def admin_flood(lab):
    """Mutated requests of all functions, all permitted: the node lives, answers, and keeps its
    memory (CJD_FLOOD_PACKETS, 20000)."""
    (a, b, c), admin = row(lab, password="NONE")
    rng, known = random.Random(1), seeds()
    wanted, before = int(os.environ.get("CJD_FLOOD_PACKETS", "20000")), None
    flood = Admin(b)
    flood.socket.setblocking(False)
    for n in range(wanted):
        try:
            flood.send(mutated(rng, rng.choice(known)))
        except (BlockingIOError, ConnectionRefusedError):
            time.sleep(0.001)
        if n % 50 == 0:
            # What it says to each is not looked at; that it has time for them is.
            while flood_receive(flood):
                pass
            time.sleep(0.002)
        if n == wanted // 4:
            before = resident_kib(b)
    expect(b.is_running(), "it ended")
    expect(Admin(b, "NONE").call("ping") == {"q": "pong"}, "it does not answer")
    grown = resident_kib(b) - before
    print(f"NOTE admin_flood: {wanted} requests, {grown} KiB more at the end")
    # AddressSanitizer keeps what was freed for a while.
    expect(grown < 16 * 1024 or os.environ.get("CJD_SANITIZE"), f"{grown} KiB more")
    # Some of what was sent is a valid request to connect to somebody who is not there.
    admin.until("InterfaceController_peerStats", lambda s: {a.key, c.key} <= {
        p["publicKey"] for p in s["peers"] if p["state"] == "ESTABLISHED"})


def flood_receive(flood):
    try:
        return flood.socket.recv(70000)
    except (BlockingIOError, ConnectionRefusedError):
        return b""


if __name__ == "__main__":
    main()
