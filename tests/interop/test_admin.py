"""What an operator asks of reference nodes through a node of this build."""
from mixed import fresh, reference_binaries, require_binaries, short

import lab as laboratory
from admin_client import Admin
from common import expect
from lab import test
from probes import all_pairs, ping_until


def row(lab, binary):
    """reference – ours – reference, and the admin of ours."""
    far, middle, near = lab.reference("r0", binary), lab.node("o"), lab.reference("r1", binary)
    middle.change = lambda tree: tree["plugins"].append(
        {"plugin": "admin-udp", "config": {"password": "NONE"}})
    lab.join(far, middle)
    lab.join(middle, near)
    lab.start()
    ping_until(lab, all_pairs([far, middle, near]), within=20)
    return (far, middle, near), Admin(middle, "NONE")


def ask_references(lab, binary):
    (far, middle, near), admin = row(lab, binary)
    peers = admin.until("InterfaceController_peerStats", lambda s: sum(
        p["state"] == "ESTABLISHED" for p in s["peers"]) == 2)["peers"]
    for peer in peers:
        pong = admin.good("SwitchPinger_ping", path=peer["switchLabel"], data="abc", keyPing=1)
        expect((pong["result"], pong["data"], pong["key"]) == ("pong", "abc", peer["publicKey"]), pong)
        pong = admin.until("RouterModule_pingNode", lambda a: a.get("result") == "pong",
                           path=peer["addr"])
        expect(pong["addr"] == peer["addr"], pong)
        asked = admin.until("RouterModule_getPeers", lambda a: a.get("result") == "peers",
                            path=peer["addr"])
        expect(any(middle.key in p for p in asked["peers"]), asked)
        asked = admin.until("RouterModule_findNode", lambda a: a.get("result") == "nodes",
                            nodeToQuery=peer["addr"], target=near.address)
    print(f"{short(binary)}: asked through ours")
    sessions = admin.until("SessionManager_getHandles", lambda h: h["total"] >= 2)["handles"]
    known = {admin.good("SessionManager_sessionStats", handle=h)["publicKey"] for h in sessions}
    expect({far.key, near.key} <= known, known)


@test
def admin_asks_references(lab):
    for binary in reference_binaries():
        fresh(lab, ask_references, binary)


if __name__ == "__main__":
    require_binaries()
    laboratory.main()
