#!/usr/bin/env python3
"""cjdroute running: start, ready, signals, reload, log, background, sandbox, service manager.

usage: test_daemon.py CJDROUTE PLUGINS [sandbox]   (PLUGINS: the plugins of the ABI tests)
With "sandbox" the tests that only root can run; status 77 for others.
"""
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BINARY, PLUGINS = sys.argv[1], sys.argv[2]
# The leak check of sanitizer builds cannot make its thread in a closed sandbox.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}
SEED = bytes(range(64))
ADDRESS = "fc35:1f2f:b558:ee5c:3e61:84e6:759a:9f4e"
LIMIT = 60  # seconds anything may take on a busy machine
IS_ROOT = os.geteuid() == 0


def key():
    out = subprocess.run([BINARY, "--genconf-seed"], input=SEED, stdout=subprocess.PIPE,
                         check=True, timeout=LIMIT).stdout
    clean = subprocess.run([BINARY, "--cleanconf"], input=out, stdout=subprocess.PIPE, check=True,
                           timeout=LIMIT).stdout
    return json.loads(clean)["privateKey"]


KEY = key()


def native(plugins=(), **more):
    return {"version": 3, "node": {"privateKey": KEY}, "plugins": list(plugins),
            "sandbox": {"user": None, "noForks": False}, **more}


class Process:
    """A daemon whose stderr is collected; wait() reads until a text shows up."""

    def __init__(self, args, env=None):
        env = {**os.environ, **(env or {})}
        self.p = subprocess.Popen([BINARY, *args], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self.text = ""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.p.stderr, selectors.EVENT_READ)

    def wait(self, text):
        until = time.monotonic() + LIMIT
        while text not in self.text:
            if not self.selector.select(max(0, until - time.monotonic())):
                raise AssertionError(f"never said {text!r}:\n{self.text}")
            data = os.read(self.p.stderr.fileno(), 65536)
            if not data:
                raise AssertionError(f"ended without {text!r}:\n{self.text}")
            self.text += data.decode()

    def end(self, number=signal.SIGTERM):
        if number and self.p.poll() is None:
            self.p.send_signal(number)
        out, err = self.p.communicate(timeout=LIMIT)
        self.text += err.decode()
        self.out = out.decode()
        return self.p.returncode

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        for stream in (self.p.stdout, self.p.stderr):
            stream.close()
        self.selector.close()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "conf.json")

    def write(self, conf):
        with open(self.path + ".new", "w") as f:
            f.write(conf if isinstance(conf, str) else json.dumps(conf, indent=2))
        os.chmod(self.path + ".new", 0o600)
        os.rename(self.path + ".new", self.path)

    def until(self, condition):
        end = time.monotonic() + LIMIT
        while not condition():
            self.assertLess(time.monotonic(), end)
            os.sched_yield()

    def start(self, conf, *args, env=None, ready=True):
        self.write(conf)
        process = Process(["--config", self.path, "--plugin-path", PLUGINS, *args], env)
        self.addCleanup(process.kill)
        if ready:
            process.wait(" ready ")
        return process


class Run(Case):
    def test_start_and_stop(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            d = self.start(native([{"plugin": "good"}]))
            self.assertRegex(d.text, r"ready address=" + ADDRESS +
                             r" public_key=[0-9a-z]{52}\.k plugins=1")
            self.assertRegex(d.text, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info plugin "
                             r"loaded plugin good version=1\.0 abi=1\.\d+ sha256=[0-9a-f]{64}")
            self.assertIn("started plugin good (good 1.0: uses every service)", d.text)
            for line in ("ok timer", "ok post", "ok resolve localhost", "ok peer removed"):
                d.wait(line)
            self.assertEqual(d.end(number), 0)
            self.assertIn("ok destroy", d.text)
            self.assertIn(" daemon stopped", d.text)
            self.assertNotIn("FAILED", d.text)
            self.assertNotIn("left things behind", d.text)

    def test_standard_input(self):
        p = subprocess.Popen([BINARY], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(json.dumps(native()).encode())
        p.stdin.close()
        for line in p.stderr:
            if b" ready " in line:
                break
        p.terminate()
        p.stderr.read()
        p.stderr.close()
        self.assertEqual(p.wait(LIMIT), 0)

    def test_failing_plugins_are_left_out(self):
        names = ["create", "configure", "acquire", "start", "major", "no-symbol", "schema-word"]
        plugins = [{"plugin": "bad-" + n} for n in names] + [{"plugin": "good"}]
        d = self.start(native(plugins))
        self.assertIn("plugins=1", d.text)
        for name in names:
            self.assertRegex(d.text, r"plugin \"?bad-" + name)
        self.assertEqual(d.end(), 0)

    def test_required_plugins_stop_the_start(self):
        for name, status in (("acquire", 69), ("configure", 78), ("major", 78), ("start", 70),
                             ("schema-word", 78)):
            d = self.start(native([{"plugin": "good"},
                                   {"plugin": "bad-" + name, "required": True}]), ready=False)
            self.assertEqual(d.end(0), status, name)
            self.assertNotIn(" ready ", d.text)
            self.assertIn("bad-" + name, d.text)

    def test_broken_configuration(self):
        d = self.start("{ \"version\": 3, ", ready=False)
        self.assertEqual(d.end(0), 78)
        self.assertIn("conf.json:1:", d.text)

    def test_log_level_of_the_command_line(self):
        d = self.start(native(log={"level": "error"}), "--log-level", "debug")
        d.end()
        self.assertIn(" debug ", d.text)


class Log(Case):
    def test_json(self):
        d = self.start(native([{"plugin": "good"}], log={"format": "json"}), ready=False)
        d.wait("\"ready address=")
        d.end()
        lines = [json.loads(line) for line in d.text.splitlines()]
        self.assertTrue(all(set(x) == {"time", "level", "module", "message"} for x in lines))
        self.assertIn("good", {x["module"] for x in lines})

    def test_stdout(self):
        d = self.start(native(log={"to": "stdout"}), ready=False)
        line = d.p.stdout.readline()
        while b" ready " not in line:
            self.assertTrue(line)
            line = d.p.stdout.readline()
        self.assertEqual(d.end(), 0)
        self.assertEqual(d.text, "")
        self.assertIn("stopped", d.out)

    def test_modules(self):
        d = self.start(native([{"plugin": "good"}],
                              log={"level": "error", "modules": {"good": "info"}}), ready=False)
        d.wait("ok start")
        d.end()
        self.assertNotIn(" daemon ", d.text)

    def test_file_is_opened_again(self):
        log = os.path.join(self.folder, "log")
        notify = Manager(self)
        d = self.start(native([{"plugin": "good"}], log={"to": "file:" + log}),
                       env=notify.env, ready=False)
        notify.wait("READY=1")
        os.rename(log, log + ".1")
        d.p.send_signal(signal.SIGUSR1)
        self.until(lambda: os.path.exists(log))
        d.p.send_signal(signal.SIGHUP)
        notify.wait("READY=1")
        self.assertEqual(d.end(), 0)
        with open(log + ".1") as f:
            self.assertIn("ready address", f.read())
        with open(log) as f:
            text = f.read()
        self.assertIn("reload done", text)
        self.assertIn("stopped", text)

    def test_file_that_cannot_be_opened(self):
        d = self.start(native(log={"to": "file:/nonexistent/folder/log"}), ready=False)
        self.assertNotEqual(d.end(0), 0)
        self.assertIn("/nonexistent/folder/log", d.text)


class Manager:
    """The service manager's end of $NOTIFY_SOCKET."""

    def __init__(self, case):
        self.path = os.path.join(case.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(LIMIT)
        self.socket.bind(self.path)
        case.addCleanup(self.end)
        self.env = {"NOTIFY_SOCKET": self.path}
        self.pids = set()  # that said they were ready

    def end(self):
        """Also ends what went into the background and was not meant to stay."""
        self.socket.close()
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def wait(self, text):
        while True:
            message = self.socket.recv(4096).decode()
            self.pids.update(int(pid) for pid in re.findall(r"(?m)^MAINPID=(\d+)$", message))
            if text in message.splitlines():
                return message


class Service(Case):
    def test_states(self):
        m = Manager(self)
        d = self.start(native(), env=m.env)
        self.assertIn("MAINPID=%d" % d.p.pid, m.wait("READY=1"))
        d.p.send_signal(signal.SIGHUP)
        self.assertRegex(m.wait("RELOADING=1"), r"MONOTONIC_USEC=\d+")
        m.wait("READY=1")
        d.p.send_signal(signal.SIGTERM)
        m.wait("STOPPING=1")
        self.assertEqual(d.end(0), 0)

    def test_watchdog(self):
        m = Manager(self)
        self.start(native(), env={**m.env, "WATCHDOG_USEC": "40000"})
        m.wait("READY=1")
        for _ in range(3):
            m.wait("WATCHDOG=1")


class Reload(Case):
    def conf(self, number, passwords=(), **more):
        return native([{"plugin": "good", "config": {"number": number}}],
                      peering={"passwords": list(passwords)}, **more)

    def reload(self, d, conf, text):
        self.write(conf)
        d.text = ""
        d.p.send_signal(signal.SIGHUP)
        d.wait(text)

    def test_changes(self):
        d = self.start(self.conf(2, [{"login": "a", "password": "first-password"},
                                     {"password": "without-login"}]))
        self.reload(d, self.conf(6, [{"login": "a", "password": "first-password"},
                                     {"login": "b", "password": "second-password"}]),
                    "reload done")
        self.assertIn("number 6", d.text)
        self.assertIn("reload: plugin good: changes applied", d.text)
        self.assertIn("passwords changed added=1 removed=1", d.text)
        self.assertNotIn("password\"", d.text)
        self.reload(d, self.conf(6, [{"login": "a", "password": "another-password"},
                                     {"login": "b", "password": "second-password"}]),
                    "reload done")
        self.assertIn("passwords changed added=1 removed=1", d.text)
        self.reload(d, self.conf(1000, log={"level": "debug"}), "reload done")
        self.assertIn("need a restart", d.text)
        self.reload(d, native(sandbox={"user": None, "noForks": True}), "reload done")
        self.assertIn("\"sandbox\" changed: needs a restart", d.text)
        self.assertIn("plugin good: no longer configured", d.text)
        self.assertEqual(d.end(), 0)

    def test_broken_file(self):
        d = self.start(self.conf(2))
        self.reload(d, "{ \"version\": 3, ", "reload refused: nothing was changed")
        self.assertRegex(d.text, r"error daemon \S*conf\.json:1:\d+: ")
        self.reload(d, self.conf(3), "reload refused: nothing was changed")
        self.assertIn("the number is odd", d.text)
        self.assertNotIn("number 3", d.text)
        os.unlink(self.path)
        d.p.send_signal(signal.SIGHUP)
        d.wait("cannot be read any more")
        self.reload(d, self.conf(8), "reload done")
        self.assertIn("number 8", d.text)
        self.assertEqual(d.end(), 0)


class Background(Case):
    def reference(self, **more):
        return {"privateKey": KEY, "version": 2,
                "admin": {"bind": "127.0.0.1:0", "password": "NONE"},
                "security": [{"setuser": 0}, {"chroot": 0}], **more}

    def launch(self, conf, *args, env=None):
        self.write(conf)
        return subprocess.run([BINARY, "--config", self.path, "--plugin-path", PLUGINS, *args],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=LIMIT,
                              env={**os.environ, **NO_LEAK_CHECK, **(env or {})})

    def test_parent_ends_when_ready(self):
        m = Manager(self)
        p = self.launch(self.reference(), env=m.env)
        self.assertEqual(p.returncode, 0)
        pid = int(re.search(r"MAINPID=(\d+)", m.wait("READY=1")).group(1))
        self.assertEqual(os.getsid(pid), pid)
        os.kill(pid, signal.SIGTERM)
        m.wait("STOPPING=1")

    def test_parent_has_the_status_of_a_failure(self):
        # The port is not ours: a required udp plugin that is missing here fails the start.
        conf = self.reference(interfaces={"UDPInterface": [{"bind": "127.0.0.1:0"}]})
        self.assertEqual(self.launch(conf).returncode, 78)

    def test_no_background(self):
        for conf, args in ((self.reference(noBackground=1), ()), (self.reference(), ("--nobg",)),
                           (self.reference(), ("--foreground",))):
            m = Manager(self)
            d = self.start(conf, *args, env={**m.env, **NO_LEAK_CHECK}, ready=False)
            self.assertIn("MAINPID=%d" % d.p.pid, m.wait("READY=1"))
            d.end()
            os.unlink(m.path)


class Sandbox(Case):
    NET_ADMIN = 1 << 12

    def status(self, d):
        with open("/proc/%d/status" % d.p.pid) as f:
            return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)

    def limits(self, d):
        with open("/proc/%d/limits" % d.p.pid) as f:
            return {line[:26].strip(): line[26:].split()[:2] for line in f}

    def confined(self, **sandbox):
        d = self.start({**native([{"plugin": "good"}]), "sandbox": {"user": "nobody", **sandbox}},
                       env=NO_LEAK_CHECK)
        return d, self.status(d), self.limits(d)

    def test_keeps_net_admin(self):
        d, status, limits = self.confined(keepNetAdmin=True)
        uid = subprocess.run(["id", "-u", "nobody"], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(status["Uid"].split(), [uid.decode().strip()] * 4)
        self.assertEqual(status["Groups"].strip(), "")
        for line, value in (("CapEff", self.NET_ADMIN), ("CapPrm", self.NET_ADMIN),
                            ("CapBnd", self.NET_ADMIN), ("CapInh", 0), ("CapAmb", 0)):
            self.assertEqual(int(status[line], 16) & ~0, value, line)
        self.assertEqual(status["NoNewPrivs"].strip(), "1")
        if "sandbox noForks: skipped" not in d.text:  # sanitizer builds
            self.assertEqual(limits["Max processes"], ["0", "0"])
        self.assertEqual(limits["Max core file size"], ["0", "0"])
        self.assertNotEqual(limits["Max open files"][0], "0")
        self.assertEqual(d.end(), 0)

    def test_keeps_nothing(self):
        d, status, limits = self.confined(keepNetAdmin=False, noForks=False, noFiles=True)
        for line in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
            self.assertEqual(int(status[line], 16), 0, line)
        self.assertNotEqual(limits["Max processes"], ["0", "0"])
        self.assertEqual(limits["Max open files"], ["0", "0"])
        self.assertEqual(d.end(), 0)

    def test_chroot(self):
        root = os.path.join(self.folder, "root")
        os.mkdir(root)
        d, _, _ = self.confined(chroot=root)
        self.assertEqual(os.readlink("/proc/%d/root" % d.p.pid), root)
        self.assertEqual(d.end(), 0)

    def reload(self, d, text):
        d.text = ""
        d.p.send_signal(signal.SIGHUP)
        d.wait(text)

    def test_reload_of_a_file_that_is_roots(self):
        """Changed in place it can be read again, though its mode shuts the daemon's user out."""
        root = os.path.join(self.folder, "root")
        os.mkdir(root)
        os.chmod(self.folder, 0o755)
        for sandbox in ({}, {"chroot": root}):
            d, _, _ = self.confined(**sandbox)
            conf = native([{"plugin": "good", "config": {"number": 12}}])
            conf["sandbox"] = {"user": "nobody", **sandbox}
            with open(self.path, "w") as f:
                json.dump(conf, f)
            self.reload(d, "reload done")
            self.assertIn("number 12", d.text)
            self.write(conf)  # another file in its place
            self.reload(d, "reload refused")
            self.assertIn("change it in place", d.text)
            self.assertEqual(d.end(), 0)

    def test_steps_that_fail_end_the_start(self):
        # A user that does not exist is a mistake in the file, a folder out of reach is not.
        for sandbox, text, status in (
                ({"user": "nobody-has-this-name"}, "nobody-has-this-name", 78),
                ({"user": "nobody", "chroot": "/nonexistent"}, "/nonexistent", 77)):
            d = self.start({**native(), "sandbox": sandbox}, env=NO_LEAK_CHECK, ready=False)
            self.assertEqual(d.end(0), status)
            self.assertIn(text, d.text)
            self.assertNotIn(" ready ", d.text)

    def test_without_privilege_steps_are_skipped(self):
        os.chmod(self.folder, 0o755)
        self.write({**native(), "sandbox": {"user": "root", "chroot": "/"}})
        os.chmod(self.path, 0o644)
        code = ("import os,sys; os.setgroups([]); os.setgid(65534); os.setuid(65534);"
                "os.execv(sys.argv[1], sys.argv[1:])")
        daemon = subprocess.Popen(
            [sys.executable, "-c", code, BINARY, "--config", self.path],
            stderr=subprocess.PIPE, env={**os.environ, **NO_LEAK_CHECK})
        text = b""
        for line in daemon.stderr:
            text += line
            if b" ready " in line:
                break
        daemon.terminate()
        text += daemon.stderr.read()
        daemon.stderr.close()
        self.assertEqual(daemon.wait(LIMIT), 0, text)
        self.assertIn(b"sandbox chroot: skipped", text)
        self.assertIn(b"sandbox user: skipped", text)


def load_tests(loader, tests, pattern):
    wants_sandbox = sys.argv[3:] == ["sandbox"]
    suite = unittest.TestSuite()
    for case in (Run, Log, Service, Reload, Background, Sandbox):
        if (case is Sandbox) == wants_sandbox:
            suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    if sys.argv[3:] == ["sandbox"] and not IS_ROOT:
        sys.exit(77)
    unittest.main(argv=sys.argv[:1], verbosity=2)
