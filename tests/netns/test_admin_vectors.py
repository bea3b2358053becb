"""Recorded exchanges with the reference (tests/vectors/admin.json) against a node of ours, in the
place it had: the middle of a row of three. Same keys, same types, same texts; what depends on the
node's identity, on time or on counters is compared by its form."""
import json
import os
import re

from admin_client import Admin, decode, encode
from lab import ROOT, main, test
from nodes import Failure
from test_admin import row

VECTORS = os.path.join(os.environ.get("CJD_VECTORS", os.path.join(ROOT, "tests", "vectors")),
                       "admin.json")
PASSWORD = "labpass2"

# The recorded nodes: key, address, label seen from the middle.
OWN = ("9r59fhpfwb6uxfmc3t0c4jc1xtr15d1yrnbnj786tpkp08r41t10.k",
       "fc87:3384:6e45:2bfb:e6f3:c1fe:0414:9f2d", "0000.0000.0000.0001")
NEAR = ("ygz44rqxltnpjsgnwpt84318uxk91nkqnw5rh6m34tf33su0v9f0.k",
        "fc01:128e:a54b:085d:9e92:1c48:f128:bc8a", "0000.0000.0000.0015")
FAR = ("xvm3q05pxjl9cdnyxcrh6x5l2f2qcg2mhcsczd6g7cvftwp55p20.k",
       "fc02:ea00:4ee1:4292:4f3c:3235:1e25:02ba", "0000.0000.0000.0013")

HANDLES = (37908, 37907)

# Functions whose answer differs on purpose; the docs of the plugin say how.
DIFFERENT = {
    "Core_exit": "ends the node", "cookie": "time", "AdminLog_subscribe": "its own test",
    "AdminLog_subscriptions": "its own test", "AdminLog_unsubscribe": "ids of the recording",
    "Admin_importFd": "a defect of the reference", "Admin_exportFd": "descriptors",
    "UDPInterface_new": "interfaces are made by the configuration",
    "ETHInterface_new": "the same", "UDPInterface_getFd": "descriptors are not shown",
    "UpperDistributor_registerHandler": "not offered", "UpperDistributor_listHandlers": "the same",
    "UpperDistributor_unregisterHandler": "the same",
    "IpTunnel_connectTo": "no plugin for tunnels", "IpTunnel_listConnections": "the same",
    "IpTunnel_showConnection": "the same", "IpTunnel_removeConnection": "the same",
    "RouteGen_addException": "routes are not generated", "RouteGen_getExceptions": "the same",
    "RouteGen_addPrefix": "the same", "RouteGen_getPrefixes": "the same",
    "RouteGen_getGeneratedRoutes": "the same", "RouteGen_removePrefix": "the same",
    "RouteGen_removeException": "the same", "RouteGen_addLocalPrefix": "the same",
    "RouteGen_removeLocalPrefix": "the same", "RouteGen_commit": "the same",
    "InterfaceController_timestampPackets": "no time stamps",
    "ReachabilityCollector_getPeerInfo": "no history", "SupernodeHunter_addSnode": "no supernodes",
    "SupernodeHunter_listSnodes": "the same", "SupernodeHunter_removeSnode": "the same",
    "Security_checkPermissions": "this build has no filter", "Security_getUser": "another user",
    "Sign_sign": "its own test", "UDPInterface_getBroadcastAddrs": "of the machine",
    "UDPInterface_beacon": "beacons are off here", "ETHInterface_beacon": "no such interface here",
    "UDPInterface_setBroadcastDevices": "the same", "UDPInterface_getBroadcastDevices": "the same",
    "InterfaceController_interfaces": "two interfaces here, by family",
    "UDPInterface_listDevices": "of the machine", "ETHInterface_listDevices": "of the machine",
    "SearchRunner_search": "several answers; its own test",
}
# Single exchanges: (function, arguments) → why.
APART = {
    ("RouterModule_nextHop", "none"): "a node asked for the way to itself names nobody",
    ("IpTunnel_allowConnection", "none"): "no plugin for tunnels",
    ("SwitchPinger_ping", "0000.0000.0000.ff13"): "a label of that network",
    ("SwitchPinger_ping", "0000.0000.0000.0bad"): "a label of that network",
    ("Admin_availableFunctions", 11): "two functions more",
    ("AuthorizedPasswords_list", None): "no beacons, so no login for local peers",
}
VARIABLE = {"ms", "pid", "bytes", "bytesIn", "bytesOut", "last", "time", "handle", "sendHandle",
            "metric", "timeOfLastUsage", "lostPackets", "receivedPackets", "recvKbps", "sendKbps",
            "link", "cost", "bucket", "duplicates", "receivedOutOfRange", "linkCost", "ifNum",
            "lladdr", "isIncoming", "user", "linkCount", "protocol", "version", "protocolVersion",
            "state", "bestParent", "isOneHop", "cannonicalLabel", "child", "parent", "uid", "gid",
            "inverseLinkEncodingFormNumber", "parentChildLabel"}


class Translation:
    """Texts of the recording ↔ texts of this run."""

    def __init__(self, own, near, far, handles):
        self.handles = dict(zip(HANDLES, handles))
        self.pairs = [(recorded, ours) for old, new in ((OWN, own), (NEAR, near), (FAR, far))
                      for recorded, ours in zip(old, new)]

    def here(self, value):
        if isinstance(value, int):
            return self.handles.get(value, value)
        if isinstance(value, str):
            for recorded, ours in self.pairs:
                value = value.replace(recorded, ours)
            return value
        if isinstance(value, list):
            return [self.here(v) for v in value]
        if isinstance(value, dict):
            return {k: self.here(v) for k, v in value.items()}
        return value


def form(text):
    """The form of a text: addresses, keys, labels and numbers stand for all of their kind."""
    text = re.sub(r"v\d+\.(?=[0-9a-f]{4}\.)", "vN.", text)
    text = re.sub(r"[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}", "LABEL", text)
    text = re.sub(r"[0-9a-z]{52}\.k", "KEY", text)
    return re.sub(r"(?:[0-9a-f]{4}:){7}[0-9a-f]{4}", "IP", text)


def compare(wished, got, where, faults):
    """`got` has all of `wished`, of the same type; more keys are allowed (§8)."""
    if type(wished) is not type(got):
        faults.append(f"{where}: {got!r} instead of {wished!r}")
    elif isinstance(wished, dict):
        for key, value in wished.items():
            if key == "user":  # only where there is a name, or a login
                continue
            if key not in got:
                faults.append(f"{where}: no key {key}")
            elif key in VARIABLE and isinstance(value, (int, str)):
                if type(value) is not type(got[key]):
                    faults.append(f"{where}.{key}: {got[key]!r} is of another type")
            else:
                compare(value, got[key], f"{where}.{key}", faults)
        if not wished and got:
            faults.append(f"{where}: {got!r} instead of nothing")
    elif isinstance(wished, list):
        if bool(wished) != bool(got):
            faults.append(f"{where}: {got!r} instead of {wished!r}")
        elif wished and isinstance(wished[0], int):
            if not isinstance(got[0], int):
                faults.append(f"{where}[0]: {got[0]!r} is no number")
        elif wished:
            compare(wished[0], got[0], f"{where}[0]", faults)
    elif isinstance(wished, str):
        if form(wished) != form(got):
            faults.append(f"{where}: {got!r} instead of {wished!r}")
    elif wished != got:
        faults.append(f"{where}: {got!r} instead of {wished!r}")


def is_apart(function, args, answer):
    """For whatever reason this exchange is not comparable."""
    if function in DIFFERENT:
        return True
    marks = {answer.get("error"), args.get("page"), args.get("path")}
    return any((function, m) in APART for m in marks)


def exchanges():
    with open(VECTORS, encoding="utf-8") as file:
        return json.load(file)


def replay(lab, exchange, admin, translation, faults):
    """True if it was compared."""
    request = exchange["request"].get("json") or {}
    function = request.get("aq", request.get("q"))
    answers = [a.get("json") for a in exchange["answers"]]
    args = request.get("args")
    if not isinstance(args, dict) or len(answers) != 1 or \
            is_apart(function, args, answers[0]):
        return False
    if "before any authed" in exchange["label"]:
        admin = Admin(lab.nodes[1])
    if request["q"] == "auth":
        got = admin.call(function, **translation.here(args))
    else:
        message = {"q": function, "args": translation.here(args), "txid": "x"}
        got = decode(admin.exchange(encode(message)))
    wished = {k: v for k, v in answers[0].items() if k != "txid"}
    compare(translation.here(wished), got, f"{function}({args})", faults)
    return True


@test
def admin_vectors_replayed(lab):
    (a, b, c), admin = row(lab, password=PASSWORD)
    peers = {p["publicKey"]: p["switchLabel"]
             for p in admin.pages("InterfaceController_peerStats", "peers")}

    def full(address):
        return ":".join(p.zfill(4) for p in address.split(":"))
    translation = Translation((b.key, full(b.address), OWN[2]),
                              (a.key, full(a.address), peers[a.key]),
                              (c.key, full(c.address), peers[c.key]),
                              admin.good("SessionManager_getHandles")["handles"])
    faults, compared = [], 0
    for exchange in exchanges()["exchanges"]:
        if exchange["version"] == "v21.1" and exchange["section"] == "function":
            compared += replay(lab, exchange, admin, translation, faults)
    print(f"{compared} exchanges compared")
    if compared < 90:
        raise Failure(f"only {compared} exchanges were compared")
    if faults:
        raise Failure("\n".join(faults))


@test
def admin_vectors_of_shape(lab):
    """Datagrams of the section "shape", byte for byte but for padding and time."""
    _, admin = row(lab, password=PASSWORD)
    compared = 0
    for exchange in exchanges()["exchanges"]:
        if exchange["version"] != "v21.1" or exchange["section"] != "shape":
            continue
        request = exchange["request"]
        data = bytes.fromhex(request["hex"]) if "hex" in request else request["ascii"].encode()
        got = admin.exchange(data, within=2.0 if exchange["answers"] else 0.2)
        wished = [bytes.fromhex(a["hex"]) if "hex" in a else a["ascii"].encode()
                  for a in exchange["answers"]]
        plain = [re.sub(rb"(?<=^d)0+(?=[1-9])", b"", w) for w in wished]
        if b"6:cookie" in data:
            if got is None or not re.fullmatch(rb"d6:cookie10:\d{10}(4:txid4:abcd)?e", got):
                raise Failure(f"{exchange['label']}: {got!r}")
        elif ([got] if got is not None else []) != plain:
            raise Failure(f"{exchange['label']}: {got!r} instead of {plain!r}")
        compared += 1
    if compared < 15:
        raise Failure(f"only {compared} datagrams were compared")


@test
def admin_vectors_of_signatures(lab):
    """What is published: the functions of the reference with its signatures, and two more."""
    _, admin = row(lab, password=PASSWORD)
    wished = {}
    for page in exchanges()["function_signatures"]["v20.7"]:
        wished.update(page)
    got, page = {}, 0
    while True:
        answer = admin.call("Admin_availableFunctions", page=page)
        got.update(answer["availableFunctions"])
        if not answer["availableFunctions"]:
            break
        page += 1
    more = set(got) - set(wished)
    if more != {"memory", "NodeStore_getNode"}:
        raise Failure(f"further functions: {more}")
    for name, signature in wished.items():
        if got.get(name) != signature:
            raise Failure(f"{name}: {got.get(name)} instead of {signature}")


if __name__ == "__main__":
    main()
