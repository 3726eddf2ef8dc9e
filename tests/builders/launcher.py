"""Starts `portal …` commands for tests: a process that has everything loaded and forks one for each command.

Loading takes longer than starting, and who kills a hundred processes starts a hundred. Run as
`python tests/builders/launcher.py [CHANGE…]`: a CHANGE, `module:function`, is called once before anything is started
and changes in these processes what a test wants changed, such as a lock that is taken away. Orders are lines of JSON
on standard input, each answered with the number of the process, which leads a group of its own. When the input ends,
so do all processes.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from portal.__main__ import main


def launch(order: dict[str, object]) -> int:
    """Forks a process for one command: its arguments, its environment and the file to which it writes."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload] # a dictionary of texts
    code = 1
    try:
        code = main(order["arguments"])  # type: ignore[arg-type] # a list of texts
    finally:
        os._exit(code)


def serve(changes: list[str]) -> None:
    """Launches until the input ends."""
    for change in changes:
        module, _, function = change.partition(":")
        getattr(importlib.import_module(module), function)()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what ends is gone at once
    # Whoever breaks off a whole group of processes means the tests: their end closes the input, and all is ended here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()
    print("ready", flush=True)
    launched = []
    for line in sys.stdin:
        launched.append(launch(json.loads(line)))
        print(launched[-1], flush=True)
    for pid in launched:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    serve(sys.argv[1:])
