"""Virtual environments that the scripts here make for themselves. Runs under any Python 3."""

import os
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST = (3, 11)
NEWEST_TRIED = 15


def find_python():
    """An interpreter new enough for the tool: the one running, else the newest on PATH. Exits with a hint."""
    if sys.version_info >= OLDEST:
        return sys.executable
    for minor in range(NEWEST_TRIED, OLDEST[1] - 1, -1):
        path = shutil.which("python3.%d" % minor)
        if path and subprocess.run([path, "-c", "import venv"], capture_output=True).returncode == 0:
            return path
    sys.exit(
        "error[python]: compatmatrix itself needs Python %d.%d or later, this is %s\n"
        "hint: install one with your package manager, pyenv or uv; stacks for older Pythons are made with\n"
        "--python PATH all the same" % (OLDEST[0], OLDEST[1], sys.version.split()[0])
    )


def own_environment(name, install):
    """The interpreter of a virtual environment at the top of the checkout, with the given pip arguments installed."""
    folder = os.path.join(TOP, name)
    python = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    if not os.path.exists(python):
        print("making %s" % name, file=sys.stderr)
        if subprocess.run([find_python(), "-m", "venv", folder]).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            sys.exit("error[venv]: no virtual environment could be made (Debian, Ubuntu: apt install python3-venv)")
    print("installing into %s" % name, file=sys.stderr)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run(command + install, cwd=TOP).returncode:
        sys.exit("error[install]: pip could not install; see its message above")
    return python
