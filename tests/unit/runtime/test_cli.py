#!/usr/bin/env python3
"""The command line of cjdroute: options, statuses, and what is printed instead of running.

usage: test_cli.py CJDROUTE PLUGINS   (PLUGINS: the plugins of the ABI tests)
"""
import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest

BINARY, PLUGINS = sys.argv[1], sys.argv[2]
# Secret key of the seeded configuration in the notes, §11.
SEED = bytes(range(64))


def run(*args, text="", **kw):
    data = text if isinstance(text, bytes) else text.encode()
    p = subprocess.run([BINARY, *args], input=data, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60, **kw)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def seeded():
    status, out, _ = run("--genconf-seed", text=SEED)
    assert status == 0, status
    return out


def plain(text):
    status, out, err = run("--cleanconf", text=text)
    assert status == 0, err
    return json.loads(out)


def native(plugins=(), **more):
    key = plain(seeded())["privateKey"]
    return {"version": 3, "node": {"privateKey": key}, "plugins": list(plugins), **more}


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, content, name="conf.json", mode=0o600):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as f:
            f.write(content if isinstance(content, str) else json.dumps(content, indent=2))
        os.chmod(path, mode)
        return path


class Options(Case):
    def test_version(self):
        for option in ("--version", "-v"):
            status, out, err = run(option)
            self.assertEqual((status, err), (0, ""))
            self.assertRegex(out, r"\ACjdns version: \S+\nCjdns protocol version: \d+\n\Z")

    def test_help(self):
        for option in ("--help", "-h"):
            status, out, _ = run(option)
            self.assertEqual(status, 0)
            self.assertIn(os.uname().machine, out)
            for word in ("--config", "--check", "--genconf", "--cleanconf", "--convert",
                         "--list-plugins", "--log-level", "--nobg"):
                self.assertIn(word, out)

    def test_usage_errors(self):
        for args, word in ((("--nonsense",), "--nonsense"), (("-x",), "-x"),
                           (("file.conf",), "file.conf"), (("--config",), "--config"),
                           (("--check", "--genconf"), "one thing"), (("--eth",), "--genconf"),
                           (("--genconf-json", "--eth"), "--genconf"),
                           (("--log-level", "loud"), "loud"), (("--version=3",), "--version=3")):
            status, out, err = run(*args)
            self.assertEqual((status, out), (64, ""), args)
            self.assertIn(word, err)
            self.assertIn("--help", err)

    def test_options_of_later_builds(self):
        status, _, err = run("--bench")
        self.assertEqual(status, 64)
        self.assertIn("does not have the option --bench", err)

    def test_peerings_change_a_named_file(self):
        for args in (("--invite", "bob"), ("--add-peer", "cjdns://x")):
            status, out, err = run(*args)
            self.assertEqual((status, out), (64, ""), args)
            self.assertIn("--config FILE", err)

    def test_terminal_gets_usage(self):
        master, slave = pty.openpty()
        p = subprocess.run([BINARY], stdin=slave, stdout=subprocess.PIPE, timeout=60)
        os.close(master)
        os.close(slave)
        self.assertEqual(p.returncode, 0)
        self.assertIn(b"--config", p.stdout)

    def test_output_that_fails(self):
        with open("/dev/full", "w") as full:
            p = subprocess.run([BINARY, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, 70)
        self.assertIn(b"could not be written", p.stderr)


class Generate(Case):
    def test_seed(self):
        conf = plain(seeded())
        self.assertEqual(conf["ipv6"], "fc35:1f2f:b558:ee5c:3e61:84e6:759a:9f4e")
        self.assertTrue(conf["interfaces"]["UDPInterface"][0]["bind"].endswith(":20948"))
        self.assertEqual(seeded(), seeded())
        status, out, err = run("--genconf-seed", text=b"short")
        self.assertEqual((status, out), (64, ""))
        self.assertIn("64 bytes", err)

    def test_eth(self):
        status, out, _ = run("--genconf")
        self.assertEqual(status, 0)
        self.assertNotIn("ETHInterface", plain(out)["interfaces"])
        status, out, _ = run("--genconf", "--eth")
        self.assertIn("ETHInterface", plain(out)["interfaces"])

    def test_native(self):
        status, out, _ = run("--genconf-json")
        self.assertEqual(status, 0)
        self.assertIn("plugins", json.loads(out))

    def test_cleanconf(self):
        status, out, _ = run("--cleanconf", text="{ // comment\n \"a\": 1, }")
        self.assertEqual((status, json.loads(out)["a"]), (0, 1))
        self.assertEqual(run("--cleanconf", text="{ \"a\" 1")[0], 255)
        self.assertEqual(run("--cleanconf", text="")[0], 255)


class Check(Case):
    def check(self, conf, *args):
        return run("--check", "--config", self.file(conf), "--plugin-path", PLUGINS, *args)

    def test_good(self):
        self.assertEqual(self.check(native()), (0, "", ""))
        status, out, err = self.check(native([{"plugin": "good"}]))
        self.assertEqual((status, out, err), (0, "", ""))

    def test_comments(self):
        text = json.dumps(native())
        status, _, err = self.check("// first\n" + text[:-1] + ", /* last */ }")
        self.assertEqual((status, err), (0, ""))

    def test_standard_input(self):
        text = json.dumps(native())
        for args in (("--check",), ("--check", "--config", "-")):
            self.assertEqual(run(*args, text=text)[0], 0)
        status, _, err = run("--check", text=text[:-1])
        self.assertEqual(status, 78)
        self.assertIn("standard input:1:", err)

    def test_all_errors_at_once(self):
        conf = native([{"plugin": "good", "config": {"number": "two"}}],
                      sandbox={"usr": "x"}, log={"level": "loud"})
        conf["node"]["privateKey"] = "12"
        conf["nonsense"] = 1
        status, _, err = self.check(conf)
        self.assertEqual(status, 78)
        for pointer in ("/node/privateKey", "/sandbox/usr", "/log/level", "/nonsense",
                        "/plugins/0/config/number"):
            self.assertRegex(err, r"conf\.json:\d+:\d+: error: .*\(" + pointer + r"\)")

    def test_plugin_sections(self):
        status, _, err = self.check(native([{"plugin": "good", "config": {"numbr": 1}}]))
        self.assertEqual(status, 78)
        self.assertIn("(/plugins/0/config/numbr)", err)
        status, _, err = self.check(native([{"plugin": "good", "config": {"number": 3}}]))
        self.assertEqual(status, 78)
        self.assertIn("the number is odd", err)
        self.assertIn("(/plugins/0/config/number)", err)

    def test_plugins_that_cannot_be_loaded(self):
        status, _, err = self.check(native([{"plugin": "bad-major"}]))
        self.assertEqual(status, 0)
        self.assertIn("warning: plugin \"bad-major\" is left out", err)
        status, _, err = self.check(native([{"plugin": "bad-major", "required": True}]))
        self.assertEqual(status, 78)
        self.assertIn("error: plugin \"bad-major\" is required", err)

    def test_no_file(self):
        status, _, err = run("--check", "--config", "/nonexistent/conf")
        self.assertEqual(status, 78)
        self.assertIn("/nonexistent/conf", err)

    def test_readable_by_others(self):
        path = self.file(native(), mode=0o644)
        status, _, err = run("--check", "--config", path)
        self.assertEqual(status, 0)
        self.assertIn("others can read this file", err)


class Show(Case):
    def test_print_config(self):
        conf = native([{"plugin": "good"}], peering={"passwords": [
            {"login": "bob", "password": "a-password-nobody-may-see"}]})
        status, out, err = run("--print-config", "--config", self.file(conf),
                               "--plugin-path", PLUGINS)
        self.assertEqual((status, err), (0, ""))
        shown = json.loads(out)
        self.assertEqual(shown["plugins"][0]["config"], {"number": 4})
        self.assertNotIn(conf["node"]["privateKey"], out)
        self.assertNotIn("a-password-nobody-may-see", out)
        self.assertIn("bob", out)

    def test_convert(self):
        path = self.file(seeded())
        status, out, _ = run("--convert", path)
        self.assertEqual(status, 0)
        converted = json.loads(out)
        self.assertEqual(converted["node"]["privateKey"], plain(seeded())["privateKey"])
        self.assertIn("udp", [p["plugin"] for p in converted["plugins"]])
        status, _, err = run("--convert", self.file(converted, "native.json"))
        self.assertEqual(status, 78)
        self.assertIn("native form already", err)

    def test_list_plugins(self):
        status, out, _ = run("--list-plugins", "--plugin-path", PLUGINS)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^good +1\.0 +ABI 1\.\d+ +ISC +uses every service$")
        self.assertRegex(out, r"(?m)^bad-major +unusable: .*plugin ABI 2")
        self.assertEqual(run("--list-plugins", "--plugin-path", "/nonexistent")[0], 78)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
