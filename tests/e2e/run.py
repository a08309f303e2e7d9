"""Runs the end-to-end tests: python3 tests/e2e/run.py --binary build/asan/posthorn [NAME ...]"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", default="build/asan/posthorn")
    parser.add_argument("--rounds", type=int, help="of the kill test (default 20)")
    parser.add_argument("names", nargs="*", help="test modules, e.g. test_curl")
    arguments = parser.parse_args()
    os.environ["POSTHORN_BINARY"] = os.path.abspath(arguments.binary)
    if arguments.rounds:
        os.environ["POSTHORN_KILL_ROUNDS"] = str(arguments.rounds)
    sys.path.insert(0, HERE)
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(arguments.names) if arguments.names else loader.discover(HERE, "test_*.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = f", {len(result.skipped)} skipped" if result.skipped else ""
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed{skipped}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
