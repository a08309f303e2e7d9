#!/usr/bin/env python3
"""Tests of the tree itself: layers, documents, standards.  Nothing is built; takes a second.

    python3 tests/tree/run.py [-v] [layers_test ...]
"""
import pathlib
import sys
import unittest

here = pathlib.Path(__file__).resolve().parent


def main():
    sys.path.insert(0, str(here))
    sys.dont_write_bytecode = True
    verbosity = 2 if "-v" in sys.argv else 1
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    loader = unittest.TestLoader()
    if names:
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.discover(str(here), pattern="*_test.py")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=verbosity).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")  # ./test reads this line
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
