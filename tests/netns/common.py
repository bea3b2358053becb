"""What several files of tests use."""
import re
import subprocess

from lab import ip
from nodes import Failure


def two_joined(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.join(a, b)
    return a, b


def cable_of(node):
    """The device of its first link."""
    return re.search(r"^\d+: (e\d+[ab])[@:]", ip("-n", node.name, "-o", "link"), re.MULTILINE)[1]


def expect(holds, what):
    if not holds:
        raise Failure(what)


def run(node, *arguments, stdin=None):
    """The daemon's program, to its end; returns status and output."""
    done = subprocess.run([node.binary, *arguments], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, preexec_fn=node.before_exec, text=True,
                          check=False, timeout=20)
    return done.returncode, done.stdout


REFERENCE_FILE = '''// Made for the reference, used as it is.
{
    /* Private key: do not tell. */
    "privateKey": "%(privateKey)s",
    "publicKey": "%(publicKey)s",
    "ipv6": "%(address)s",
    "authorizedPasswords":
    [
        // A unique string which is known to the client and server.
        {"password": "%(password)s", "user": "default-login"}
        // {"password": "another", "user": "somebody"}
    ],
    "admin": { "bind": "127.0.0.1:11234", "password": "NONE" },
    "interfaces":
    {
        "UDPInterface":
        [
            {
                "bind": "0.0.0.0:5199",
                "connectTo":
                {
                    // Add connection credentials here
                }
            },
            { "bind": "[::]:5199", "connectTo": { } }
        ],
        "_disabled_ETHInterface": [ { "bind": "all", "beacon": 2, "connectTo": { } } ]
    },
    "router":
    {
        "interface": { "type": "TUNInterface", "tunDevice": "tun0" },
        "ipTunnel": { "allowedConnections": [], "outgoingConnections": [] }
    },
    "security":
    [
        {"setuser": "nobody", "keepNetAdmin": 1},
        {"chroot": "/var/run/"},
        {"nofiles": 0},
        {"noforks": 1},
        {"seccomp": 1},
        {"setupComplete": 1}
    ],
    "logging": { "logTo": "stdout" },
    "noBackground": 1,
    "pipe": "cjdroute.sock",
}
'''
