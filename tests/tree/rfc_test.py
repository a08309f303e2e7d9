"""docs/rfc-status.tsv against the marks [RFC9999 1.2] in comments."""
import re
import unittest

from tree import ROOT, SRC, files, name, text

TABLE = ROOT / "docs/rfc-status.tsv"
MARK = re.compile(r"\[RFC ?(\d+)\b")
# A comment must not pass for a mark because of a missing bracket or another spelling.
ODD_MARK = re.compile(r"\[(?:rfc ?\d+|RFC-\d+|Rfc\d+)", re.ASCII)


def rows():
    out = []
    for number, line in enumerate(text(TABLE).splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        out.append((number, line.split("\t")))
    return out


def marked_files():
    for top in ("src", "apps", "tests", "bench", "docs"):
        for path in files(ROOT / top, ".h", ".cc", ".cpp", ".py", ".md", ".txt", ".sh"):
            if path.parent != ROOT / "tests/tree":  # these show the form of a mark
                yield path


class RfcStatus(unittest.TestCase):
    def check(self, problems):
        if problems:
            self.fail("\n" + "\n".join(problems))

    def test_rows_are_whole(self):
        problems, last = [], 0
        for number, fields in rows():
            where = f"docs/rfc-status.tsv:{number}"
            if len(fields) != 5:
                problems.append(f"{where}: {len(fields)} fields instead of 5 (number, title, status, folder, note)")
                continue
            rfc, title, status, folder, _ = fields
            if not rfc.isdigit() or not title.strip():
                problems.append(f"{where}: no number or no title")
                continue
            if int(rfc) <= last:
                problems.append(f"{where}: RFC {rfc} is out of order, or there twice")
            last = int(rfc)
            if status not in ("yes", "partial", "no"):
                problems.append(f"{where}: status '{status}'")
            if status in ("yes", "partial") and not folder:
                problems.append(f"{where}: {status} without a folder")
            if status == "no" and folder:
                problems.append(f"{where}: 'no' with a folder")
            for one in folder.split():
                if not (SRC / one).is_dir():
                    problems.append(f"{where}: there is no src/{one}")
        self.check(problems)

    def test_every_marked_standard_is_in_the_table(self):
        known = {fields[0] for _, fields in rows()}
        problems = []
        for path in marked_files():
            for rfc in sorted(set(MARK.findall(text(path))) - known):
                problems.append(f"{name(path)} names RFC {rfc}, which docs/rfc-status.tsv does not know")
        self.check(problems)

    def test_marks_have_one_form(self):
        self.check([f"{name(path)}: write {found} as [RFC9999 1.2]" for path in marked_files() for found in ODD_MARK.findall(text(path))])

    def test_finished_standards_are_marked(self):
        """A 'yes' is believed when the code says where: its folder has at least one mark, or the note says why not."""
        marked = {}
        for path in files(SRC, ".h", ".cc"):
            for rfc in set(MARK.findall(text(path))):
                marked.setdefault(rfc, []).append(str(path.relative_to(SRC)))
        problems = []
        for number, fields in rows():
            if len(fields) == 5 and fields[2] == "yes" and fields[0] not in marked and not fields[4]:
                problems.append(f"docs/rfc-status.tsv:{number}: RFC {fields[0]} is 'yes', but no comment names it and the note is empty")
        self.check(problems)


if __name__ == "__main__":
    unittest.main()
