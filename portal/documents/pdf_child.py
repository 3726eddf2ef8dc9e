"""Becomes LibreOffice after it has bounded what that may use up."""

from __future__ import annotations

import os
import resource
import sys

PROCESSOR_SECONDS = 120
LARGEST_FILE = 200_000_000
MEMORY = 4 * 1024**3


def main(program: str, *arguments: str) -> None:
    """Bounds processor time, memory and file sizes (bytes), then runs the program in the place of this one."""
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    os.execv(program, [program, *arguments])  # nosec B606 # 2026-11-22: no shell


if __name__ == "__main__":
    main(*sys.argv[1:])
