#!/usr/bin/env python3
"""Builds the plugin template out of the tree, as its users do, and runs it.

usage: test_template.py CJDROUTE CMAKE SDK
"""
import json
import os
import subprocess
import sys
import tempfile

BINARY, CMAKE, SDK = sys.argv[1:4]
LIMIT = 120


def output(*args, **kw):
    return subprocess.run(args, stdout=subprocess.PIPE, check=True, timeout=LIMIT, **kw).stdout


def run_until(config, text):
    p = subprocess.Popen([BINARY, "--config", config], stderr=subprocess.PIPE)
    seen = b""
    for line in p.stderr:
        seen += line
        if text in line:
            break
    p.terminate()
    seen += p.stderr.read()
    p.stderr.close()
    if p.wait(LIMIT) != 0 or text not in seen:
        sys.exit(f"status {p.returncode}, no {text!r} in:\n{seen.decode()}")
    if b"left things behind" in seen:
        sys.exit(seen.decode())


with tempfile.TemporaryDirectory() as folder:
    build = os.path.join(folder, "build")
    os.umask(0o022)
    output(CMAKE, "-S", os.path.join(SDK, "template"), "-B", build, "-DCJD_SDK=" + SDK,
           "-DCMAKE_C_FLAGS=-Wshadow -Wconversion -Werror")
    output(CMAKE, "--build", build)
    listed = output(BINARY, "--list-plugins", "--plugin-path", build).decode()
    assert "hello        1.0" in listed and "greets now and then" in listed, listed
    reference = output(BINARY, "--genconf-seed", input=bytes(range(64)))
    key = json.loads(output(BINARY, "--cleanconf", input=reference))["privateKey"]
    config = os.path.join(folder, "conf.json")
    with open(config, "w") as f:
        json.dump({"version": 3, "node": {"privateKey": key}, "pluginPath": build,
                   "plugins": [{"plugin": "hello", "required": True, "config": {"name": "mesh"}}],
                   "sandbox": {"user": None}}, f)
    os.chmod(config, 0o600)
    run_until(config, b"info hello hello mesh")
