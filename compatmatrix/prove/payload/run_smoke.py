"""Run the smoke script that lies beside this one, print a line for each probe, exit 1 where one fails.

Run as `python run_smoke.py [auto|cpu|cuda] [answer.json]`, in a container or a batch job where the program that brought
it is not installed; Python 3.7 or later. With "cuda" a GPU that cannot be used is a failure.
"""

import json
import os
import subprocess
import sys
import tempfile

SCHEMA = 1
TIME_LIMIT = 1200


def main(device="auto", answer_path=""):
    """Train; the exit status."""
    payload = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smoke_payload.py")
    with tempfile.TemporaryDirectory(prefix="smoke-") as folder:
        os.mkdir(os.path.join(folder, "work"))
        question = {
            "schema": SCHEMA,
            "work_dir": os.path.join(folder, "work"),
            "device": device,
            "seed": 42,
            "level": "default",
            "probes": None,
            "dump_after": TIME_LIMIT - 10,
            "inject": None,
        }
        files = [os.path.join(folder, name) for name in ("question.json", "answer.json")]
        with open(files[0], "w") as stream:
            json.dump(question, stream)
        try:
            ended = subprocess.call([sys.executable, "-I", "-B", payload] + files, cwd=folder, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            ended = "time limit"
        try:
            with open(files[1]) as stream:
                text = stream.read()
            answer = json.loads(text)
        except (OSError, ValueError):
            print("the smoke run wrote no answer; it ended with %s" % ended)
            return 1
    if answer_path:
        with open(answer_path, "w") as stream:
            stream.write(text)
    for probe in answer["probes"]:
        print("%-5s %-15s %6.2f s  %s" % (probe["status"], probe["name"], probe["seconds"], probe["detail"]))
        for said in probe["warnings"]:
            print("      warned: " + said)
        if probe["error"]:
            print(probe["error"])
    failed = [probe["name"] for probe in answer["probes"] if probe["status"] == "fail"]
    complete = answer["done"] and ended == 0
    if not complete:
        print("the smoke run ended early, with %s, in %s" % (ended, answer["running"]))
    verdict = "failed: " + ", ".join(failed) if failed else "passed" if complete else "failed"
    print("%s on %s" % (verdict, answer["device"]))
    return 0 if complete and not failed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
