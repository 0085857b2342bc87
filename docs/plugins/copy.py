#!/usr/bin/env python3
"""A Strongroom plugin: copies the files of a folder, and proves the copies by their SHA-256."""

import base64
import errno
import hashlib
import json
import os
import shutil
import signal
import sys
import threading

# First of all: the protocol gets a descriptor of its own, and whatever else prints goes to standard error.
protocol = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
os.dup2(2, 1)
cancelled = threading.Event()

DESCRIBE = {
    "name": "copy",
    "version": "0.1.0",
    "operations": ["describe", "validate", "plan", "run", "verify"],
    "config": {
        "type": "object",
        "properties": {"source": {"type": "string"}, "target": {"type": "string"}},
        "required": ["source", "target"],
    },
    "examples": [{"source": "{source}", "target": "{target}"}],
    "may_delete": False,
}


def say(type, **fields):
    print(json.dumps({"type": type, **fields}), file=protocol, flush=True)


def named(path):
    """A path in a message: names that are not Unicode come in base64 as well."""
    raw = os.fsencode(path)
    text = raw.decode("utf-8", "replace")
    return {"path": text} if text.encode() == raw else {"path": text, "path_b64": base64.b64encode(raw).decode()}


def problems(config):
    if not isinstance(config, dict):
        return [{"pointer": "", "message": "The configuration is not an object.", "next_step": "name source and target"}]
    return [
        {"pointer": "/" + key, "message": f"{key} is not a path.", "next_step": f"give a folder for {key}"}
        for key in ("source", "target")
        if not isinstance(config.get(key), str)
    ]


def files(folder):
    """The paths of all files below a folder, relative to it. A folder that cannot be read is a file that failed."""
    unreadable = []
    for below, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(error.filename)):
        folders.sort()
        for name in sorted(names):
            yield os.path.relpath(os.path.join(below, name), folder)
    yield from (os.path.relpath(path, folder) for path in unreadable)


def same(a, b):
    """Whether size and time agree, which is enough to leave a file out of the copy, and not enough for a proof."""
    try:
        a, b = os.stat(a), os.stat(b)
    except FileNotFoundError:
        return False
    return (a.st_size, int(a.st_mtime)) == (b.st_size, int(b.st_mtime))


def copy(source, target):
    """If we stop before the rename, there is no copy under its name."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    draft = os.path.join(os.path.dirname(target), ".strongroom-copy.part")
    try:
        shutil.copyfile(source, draft)
        shutil.copystat(source, draft)
        with open(draft, "rb+" if os.access(draft, os.W_OK) else "rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, target)
    except OSError:
        if os.path.exists(draft):
            os.remove(draft)
        raise
    return os.path.getsize(target)


def digest(path):
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()


def not_there(source, target):
    """What keeps a run from starting."""
    if not os.path.isdir(source):
        return dict(outcome="failed", cause="source-missing", retry="later", sentence="The source folder is not there.")
    if not os.path.isdir(target):
        return dict(outcome="obstructed", cause="target-missing", sentence="The target folder is not there.")
    return None


def run(source, target, only_plan=False):
    counts, total = dict(seen=0, copied=0, skipped=0, failed=0), 0
    for path in files(source):
        if cancelled.is_set():
            return dict(outcome="cancelled", sentence="The copy was cancelled.", counts=counts, bytes=total)
        counts["seen"] += 1
        here, there = os.path.join(source, path), os.path.join(target, path)
        try:
            if same(here, there):
                counts["skipped"] += 1
                continue
            total += os.path.getsize(here) if only_plan else copy(here, there)
            counts["copied"] += 1
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                sentence = "The target is full."
                return dict(outcome="obstructed", cause="target-full", sentence=sentence, counts=counts, bytes=total)
            counts["failed"] += 1
            code = errno.errorcode.get(error.errno, str(error.errno))
            say("item", outcome="failed", code=code, message=error.strerror or str(error), **named(path))
        if counts["seen"] % 100 == 0:
            say("progress", files=counts["seen"], bytes=total)
    numbers = dict(counts=counts, bytes=total)
    if counts["failed"]:
        return dict(outcome="partial", sentence=f"{counts['failed']} files could not be copied.", **numbers)
    if not counts["copied"]:
        sentence = f"All {counts['seen']} files are in the target already." if counts["seen"] else "The source is empty."
        return dict(outcome="nothing", sentence=sentence, **numbers)
    would = "would be" if only_plan else "were"
    return dict(outcome="done", sentence=f"{counts['copied']} files {would} copied.", **numbers)


def verify(source, target):
    counts, total = dict(seen=0, proven=0, skipped=0, failed=0), 0
    for path in files(source):
        if cancelled.is_set():
            return dict(outcome="cancelled", sentence="The proof was cancelled.", counts=counts)
        counts["seen"] += 1
        here, there = os.path.join(source, path), os.path.join(target, path)
        try:
            if os.path.exists(there) and not same(here, there):
                counts["skipped"] += 1  # It changed after the run: the next run copies it.
                continue
            if digest(here) == digest(there):
                counts["proven"] += 1
                total += os.path.getsize(there)
                continue
            what = dict(outcome="differs", message="The copy has other bytes.")
        except OSError as error:
            what = dict(outcome="failed", message=error.strerror or str(error))
        counts["failed"] += 1
        say("item", **what, **named(path))
        say("progress", files=counts["seen"], bytes=total)
    if counts["failed"]:
        sentence = f"{counts['failed']} files of the copy are missing, differ or cannot be read."
        return dict(outcome="failed", cause="proof-failed", retry="never", sentence=sentence, counts=counts)
    if counts["skipped"] > max(1, counts["seen"] // 100):
        sentence = f"{counts['skipped']} of {counts['seen']} files changed after the run, and are not proven."
        step = "run the job, then prove it"
        return dict(outcome="partial", cause="not-proven", next_step=step, sentence=sentence, counts=counts)
    evidence = dict(method="sha256", read_back="cached", files=counts["proven"], bytes=total)
    sentence = f"{counts['proven']} files of the copy have the source's bytes."
    return dict(outcome="done", sentence=sentence, counts=counts, bytes=total, evidence=evidence)


def answer(ask):
    op, config = ask["op"], ask.get("config")
    if op == "describe":
        return dict(outcome="done", sentence="Copies the files of a folder.", describe=DESCRIBE)
    found = problems(config)
    if op == "validate" or found:
        sentence = found[0]["message"] if found else "The configuration is valid."
        cause = dict(cause="config-invalid") if found else {}
        return dict(outcome="failed" if found else "done", sentence=sentence, problems=found, **cause)
    source, target = config["source"], config["target"]
    obstacle = not_there(source, target)
    if obstacle:
        return obstacle
    return verify(source, target) if op == "verify" else run(source, target, only_plan=op == "plan")


def watch():
    """A line that says `cancel` cancels. The end of standard input means nothing."""
    for line in sys.stdin:
        if json.loads(line).get("type") == "cancel":
            cancelled.set()


def main():
    signal.signal(signal.SIGTERM, lambda *_: cancelled.set())
    ask = json.loads(sys.stdin.readline())
    if 1 not in ask["protocol"]:
        return say("unsupported", protocol=[1])
    say("hello", protocol=1, name=DESCRIBE["name"], version=DESCRIBE["version"])
    if ask["op"] not in DESCRIBE["operations"]:
        return say("unsupported")
    threading.Thread(target=watch, daemon=True).start()
    say("result", **answer(ask))


main()
protocol.flush()
os._exit(0)  # The thread may still wait for a line.
