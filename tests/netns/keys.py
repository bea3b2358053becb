"""Keys and addresses for tests: X25519, base 32 and addresses, in plain Python.

identities.json holds key pairs found beforehand (one of 256 keys has an address in fc00::/8), so that
a test neither waits for a search nor depends on the program under test for its keys.
`keys.py N` prints such a file; the same N gives the same pairs.
"""
import hashlib
import json
import os
import socket
import sys

P = 2**255 - 19
ALPHABET = "0123456789bcdfghjklmnpqrstuvwxyz"


def x25519_public(secret):
    """Public key of a 32-byte secret: the Montgomery ladder of RFC 7748, section 5."""
    k = int.from_bytes(secret, "little")
    k = k & ~7 & ((1 << 255) - 1) | (1 << 254)
    u, x2, z2, x3, z3, swap = 9, 1, 0, 9, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def base32(data):
    """The network's base 32: least significant bits first."""
    bits = int.from_bytes(data, "little")
    return "".join(ALPHABET[bits >> 5 * i & 31] for i in range((len(data) * 8 + 4) // 5))


def address(public):
    """The node address of a public key, as the system prints it."""
    twice = hashlib.sha512(hashlib.sha512(public).digest()).digest()
    return socket.inet_ntop(socket.AF_INET6, twice[:16])


def identity(secret):
    public = x25519_public(secret)
    return {"privateKey": secret.hex(), "publicKey": base32(public) + ".k",
            "address": address(public)}


def search(seed):
    """First pair with an address in fc00::/8 among the secrets derived from the seed."""
    attempt = 0
    while True:
        secret = hashlib.sha256(f"test identity {seed} attempt {attempt}".encode()).digest()
        if address(x25519_public(secret)).startswith("fc"):
            return identity(secret)
        attempt += 1


def load():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "identities.json")
    with open(path, encoding="ascii") as file:
        return json.load(file)


if __name__ == "__main__":
    print(json.dumps([search(i) for i in range(int(sys.argv[1]))], indent=1))
