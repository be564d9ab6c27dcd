"""A fresh process for each piece of code, all forked from one that has imported."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

__all__ = ["ForkServer"]

if not hasattr(os, "fork"):
    pytest.skip("processes cannot be forked here", allow_module_level=True)

# The copy leaves the loop and ends as any script does, after 280 seconds at the latest.
LOOP = """
import json, os, signal, sys

for asked in sys.stdin:
    if not (child := os.fork()):
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
signal.alarm(280)
asked = json.loads(asked)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for stream in (1, 2):
    os.dup2(os.open(asked[str(stream)], os.O_WRONLY | os.O_CREAT), stream)
os.chdir(asked["cwd"])
exec(compile(asked["code"], "<case>", "exec"), {"__name__": "__main__"} | KNOWN)
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class ForkServer:
    """Imports once.

    Parameters
    ----------
    begin : str
        What is run before every fork: imports, and the names that each code may use.
    **environment : str
        Variables of the process, beside those of this one.
    """

    def __init__(self, begin, **environment):
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{begin}\nKNOWN = dict(globals()){LOOP}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def run(self, code, cwd="."):
        """Run code in a copy of the process, and return what it says."""
        with TemporaryDirectory() as folder:
            out, err = (Path(folder) / name for name in ("out", "err"))
            asked = {"code": code, "cwd": str(cwd), "1": str(out), "2": str(err)}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return Done(code, out.read_text(), err.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
