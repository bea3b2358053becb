"""A client of the bencode admin protocol, of our own: strict about what a node answers."""
import hashlib
import socket
import time

import isolate
from nodes import Failure

PORT = 11234


def encode(value):
    if isinstance(value, bool):
        raise TypeError("bencode has no booleans")
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(k) + encode(value[k]) for k in sorted(value)) + b"e"


class Decoder:
    """No padding, keys strictly ascending, nothing behind the end (admin notes §14, point 5)."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def whole(self):
        value = self.value()
        if self.at != len(self.data):
            raise Failure(f"bytes behind the answer: {self.data[self.at:]!r}")
        return value

    def number(self, end):
        stop = self.data.index(end, self.at)
        text = self.data[self.at:stop].decode()
        self.at = stop + 1
        if text != str(int(text)):
            raise Failure(f"a number written as {text!r}")
        return int(text)

    def text(self):
        length = self.number(b":")
        value = self.data[self.at:self.at + length]
        if len(value) != length:
            raise Failure("a string is cut off")
        self.at += length
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value

    def value(self):
        kind = self.data[self.at:self.at + 1]
        if kind == b"i":
            self.at += 1
            return self.number(b"e")
        if kind in b"0123456789" and kind:
            return self.text()
        self.at += 1
        out = [] if kind == b"l" else {}
        last = None
        while self.data[self.at:self.at + 1] != b"e":
            if kind == b"l":
                out.append(self.value())
                continue
            key = self.text()
            if last is not None and key <= last:
                raise Failure(f"keys out of order: {last!r}, {key!r}")
            last = key
            out[key] = self.value()
        self.at += 1
        return out


def decode(data):
    return Decoder(data).whole()


class Admin:
    """A socket in the namespace of a node, talking to its admin address."""

    def __init__(self, node, password=None, kind=socket.SOCK_DGRAM, port=PORT):
        self.password, self.txids = password, 0
        with isolate.Network(node.name):
            self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.connect(("127.0.0.1", port))

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.send(data)

    def receive(self, within=5.0):
        """One datagram as bytes, or None."""
        self.socket.settimeout(within)
        try:
            return self.socket.recv(70000)
        except (socket.timeout, ConnectionRefusedError):
            return None

    def exchange(self, data, within=5.0):
        self.send(data)
        return self.receive(within)

    def cookie(self):
        return decode(self.exchange(encode({"q": "cookie"})))["cookie"]

    def sign(self, message, cookie=None, password=None):
        """§5.2; the message has everything but cookie and hash."""
        cookie = self.cookie() if cookie is None else cookie
        password = self.password if password is None else password
        first = hashlib.sha256((password + str(cookie)).encode()).hexdigest()
        data = encode({**message, "cookie": str(cookie), "hash": first})
        second = hashlib.sha256(data).hexdigest()
        return data.replace(first.encode(), second.encode())

    def request(self, function, args=None, txid=None):
        """The bytes of a call, signed if there is a password."""
        message = {"args": args or {}}
        if txid:
            message["txid"] = txid
        if self.password is None:
            return encode({"q": function, **message})
        return self.sign({"q": "auth", "aq": function, **message})

    def call(self, function, within=8.0, **args):
        """One call, one answer; the txid is checked and taken out."""
        self.txids += 1
        txid = f"t{self.txids}"
        data = self.exchange(self.request(function, args, txid), within)
        if data is None:
            raise Failure(f"{function} was not answered within {within} s")
        answer = decode(data)
        if answer.pop("txid", None) != txid:
            raise Failure(f"{function}: another txid came back: {answer}")
        return answer

    def good(self, function, **args):
        answer = self.call(function, **args)
        if answer.get("error", "none") != "none":
            raise Failure(f"{function}({args}): {answer['error']}")
        return answer

    def pages(self, function, key, **args):
        """All entries of a paged function that says `more`."""
        out, page = [], 0
        while True:
            answer = self.good(function, page=page, **args)
            out += answer[key]
            if "more" not in answer:
                return out
            page += 1

    def until(self, function, condition, within=10.0, **args):
        """Calls again and again until the answer is as wished; returns it."""
        end = time.monotonic() + within
        while True:
            answer = self.call(function, **args)
            if condition(answer):
                return answer
            if time.monotonic() > end:
                raise Failure(f"{function}({args}) still answers {answer}")
            time.sleep(0.05)
