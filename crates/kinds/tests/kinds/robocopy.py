"""Stands in for robocopy: copies, deletes if told to, and writes a log as it does, in UTF-16 and in German."""

import datetime
import fnmatch
import os
import shutil
import sys

source, target, *words = sys.argv[1:]
only_lists = "/L" in words
purges = "/PURGE" in words
log_path = next(word[len("/UNILOG:") :] for word in words if word.startswith("/UNILOG:"))
left_out, of = {"/XF": [], "/XD": []}, None
for word in words:
    if word.startswith("/"):
        of = left_out.get(word)
    elif of is not None:
        of.append(word)

RULE = "-" * 79
LOG = [
    f"\n{RULE}\n   ROBOCOPY     ::     Robustes Dateikopieren für Windows\n{RULE}\n",
    "  Gestartet: Montag\n   Quelle : C:\\q\\\n     Ziel : D:\\z\\\n\n    Dateien : *.*\n",
    f"  Optionen: *.* /E /R:2 /W:5 {'/PURGE' * purges} {'/L' * only_lists}\n\n{RULE}\n",
]


def files(root):
    """The files below a folder, by their paths below it."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out["/XD"]]
        for name in names:
            if not any(fnmatch.fnmatch(name, pattern) for pattern in left_out["/XF"]):
                yield os.path.relpath(os.path.join(folder, name), root)


def same(here, there):
    """As robocopy sees it: by size and time."""
    here, there = os.stat(here), os.stat(there)
    return here.st_size == there.st_size and here.st_mtime_ns == there.st_mtime_ns


total = copied = skipped = failed = extras = 0
for path in files(source):
    total += 1
    here, there = os.path.join(source, path), os.path.join(target, path)
    if os.path.exists(there) and same(here, there):
        skipped += 1
        continue
    try:
        if not only_lists:
            os.makedirs(os.path.dirname(there), exist_ok=True)
            shutil.copy2(here, there)
        copied += 1
    except OSError as error:
        failed += 1
        code = 112 if error.errno == 28 else 5
        name = "C:" + here.replace("/", "\\")
        time = datetime.datetime.now().strftime("%Y/%m/%d %H:%M:%S")
        LOG.append(f"{time} FEHLER {code} (0x{code:08X}) Datei wird kopiert {name}\nZugriff verweigert\n")
for path in files(target):
    if not os.path.lexists(os.path.join(source, path)):
        extras += 1
        if purges and not only_lists:
            os.remove(os.path.join(target, path))
LOG += [
    f"\n{RULE}\n\n           Insgesamt   Kopiert\n",
    "Verzeich.: 1 0 1 0 0 0",
    f"  Dateien: {total} {copied} {skipped} 0 {failed} {extras}",
    "    Bytes: 9 9 0 0 0 0",
]
with open(log_path, "w", encoding="utf-16", newline="\r\n") as log:
    log.write("\n".join(LOG) + "\n")
sys.exit((copied > 0) + 2 * (extras > 0) + 8 * (failed > 0))
