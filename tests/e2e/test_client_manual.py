"""Man pages and completion are made of the program's own options."""

import os
import subprocess
import tempfile
import unittest

from harness import BINARY

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
_posthorn
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Manual(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="posthorn-manual-")
        self.addCleanup(self.folder.cleanup)

    def run_posthorn(self, *words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, check=True, timeout=60).stdout

    def test_every_command_has_a_page_that_groff_understands(self):
        self.run_posthorn("manual", "--directory", self.folder.name)
        pages = sorted(os.listdir(self.folder.name))
        listed = [line.split()[0] for line in self.run_posthorn("--help").split("Subcommands:")[1].splitlines() if line.startswith("  ") and line[2] != " "]
        self.assertEqual(pages, sorted(["posthorn.1", *(f"posthorn-{name}.1" for name in listed)]))
        for page in pages:
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", os.path.join(self.folder.name, page)], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, "", page)
            self.assertIn("NAME", done.stdout)

    def test_a_page_has_what_help_has(self):
        page = self.run_posthorn("manual", "copy").replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
        for line in self.run_posthorn("copy", "--help").splitlines():
            if line.startswith("  --"):
                self.assertIn(line.split()[0].split(",")[0], page)
        self.assertIn("posthorn copy imaps://", page)

    def test_bash_completes(self):
        script = os.path.join(self.folder.name, "posthorn")
        with open(script, "w", encoding="utf-8") as f:
            f.write(self.run_posthorn("manual", "--bash"))
        path = os.path.join(self.folder.name, "a file")
        open(path, "w", encoding="ascii").close()
        for words, expected in [
            (["que"], ["queue"]),
            (["queue", "re"], ["retry", "release"]),
            (["-c", "/etc/x", "domain", "dkim", ""], ["list", "rotate", "activate", "remove"]),
            (["queue", "list", "--se"], ["--sender"]),
            (["send", "--ret", ""], ["full", "hdrs"]),
            (["copy", "--folder", "X", "--veri"], ["--verify"]),
            (["import", path[:-2]], [path]),
            (["hold"], [""]),
        ]:
            done = subprocess.run(["bash", "-c", COMPLETE, "bash", script, "posthorn", *words], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.stderr, "")
            self.assertEqual(done.stdout.splitlines(), expected, words)


if __name__ == "__main__":
    unittest.main()
