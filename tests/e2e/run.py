"""Runs the end-to-end tests: python3 tests/e2e/run.py --binary build/asan/posthorn [NAME ...]

Without names: every module, each in a process of its own, a few at a time; what a module said comes when it has ended."""

import argparse
import concurrent.futures
import glob
import os
import queue
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST = ("test_client_copy", "test_client_sync", "test_client_fetch", "test_crash", "test_relay", "test_bad_luck", "test_state", "test_foreign_mtas")  # those that take longest


def run_here(names):
    sys.path.insert(0, HERE)
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return result.testsRun - failed - len(result.skipped), failed, len(result.skipped)


def run_module(name, lanes):
    lane = lanes.get()
    try:
        done = subprocess.run([sys.executable, os.path.abspath(__file__), "--binary", os.environ["POSTHORN_BINARY"], name], text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "POSTHORN_TEST_LANE": str(lane)})
    finally:
        lanes.put(lane)
    text, _, last = done.stdout.rstrip("\n").rpartition("\n")
    numbers = re.fullmatch(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", last)
    if not numbers:  # it did not come to its end
        return f"== {name}: status {done.returncode}\n{done.stdout}", (0, 1, 0)
    return f"== {name}\n{text}", tuple(int(n or 0) for n in numbers.groups())


def run_all(jobs):
    names = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(HERE, "test_*.py")))
    names.sort(key=lambda name: name not in FIRST)
    lanes = queue.Queue()
    for lane in range(jobs):
        lanes.put(lane)
    total = (0, 0, 0)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for module in concurrent.futures.as_completed([pool.submit(run_module, name, lanes) for name in names]):
            text, numbers = module.result()
            print(text, flush=True)
            total = tuple(a + b for a, b in zip(total, numbers))
    return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="build/asan/posthorn")
    parser.add_argument("--rounds", type=int, help="of the kill test (default 20)")
    parser.add_argument("--jobs", type=int, default=3, help="modules at a time (default 3)")
    parser.add_argument("names", nargs="*", help="test modules, e.g. test_clients; they run one after the other")
    arguments = parser.parse_args()
    os.environ["POSTHORN_BINARY"] = os.path.abspath(arguments.binary)
    if arguments.rounds:
        os.environ["POSTHORN_KILL_ROUNDS"] = str(arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="posthorn-state-") as state:  # what commands remember, not of who runs the tests
        os.environ["XDG_STATE_HOME"] = state
        passed, failed, skipped = run_here(arguments.names) if arguments.names else run_all(arguments.jobs)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
