"""Documents: every folder has its README, links lead somewhere, files are of a size that can be read."""
import re
import unittest

from tree import CODE, ROOT, SRC, files, modules, name, text

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
# A document named in a comment or in prose.
DOC_PATH = re.compile(r"\bdocs/[A-Za-z0-9_./-]+\.(?:md|tsv)\b")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAX_LINES = 800
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
TOP_LEVEL = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")


def slug(heading):
    """The anchor that GitHub and friends give a heading."""
    plain = re.sub(r"[`*_]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def headings(document):
    return {slug(h) for h in re.findall(r"^#{1,6}\s+(.*)$", FENCE.sub("", document), re.MULTILINE)}


class Documents(unittest.TestCase):
    def check(self, problems):
        if problems:
            self.fail("\n" + "\n".join(problems))

    def test_the_usual_files_are_there(self):
        self.check([f"{one} is missing" for one in TOP_LEVEL if not (ROOT / one).is_file()])

    def test_every_module_has_a_readme(self):
        self.check([f"src/{folder} has no README.md" for folder in modules() if not (SRC / folder / "README.md").is_file()])

    def test_links_resolve(self):
        problems = []
        for path in files(ROOT, ".md"):
            document = text(path)
            for target in LINK.findall(FENCE.sub("", document)):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, anchor = target.partition("#")
                to = (path.parent / file).resolve() if file else path
                if not to.exists():
                    problems.append(f"{name(path)}: no {target}")
                elif anchor and to.suffix == ".md" and anchor not in headings(text(to)):
                    problems.append(f"{name(path)}: no heading for {target}")
        self.check(problems)

    def test_documents_named_in_text_exist(self):
        problems = []
        for top in ("src", "apps", "tests", "bench", "docs", "packaging", "cmake", "tools"):
            for path in files(ROOT / top, ".h", ".cc", ".cpp", ".py", ".md", ".txt", ".cmake", ".toml", ".sh"):
                for doc in sorted(set(DOC_PATH.findall(text(path)))):
                    if not (ROOT / doc).is_file():
                        problems.append(f"{name(path)} names {doc}, which does not exist")
        self.check(problems)

    def test_decisions_are_short_and_numbered_once(self):
        problems, seen = [], {}
        for path in files(ROOT / "docs/decisions", ".md"):
            lines = len(text(path).splitlines())
            if lines > 40:
                problems.append(f"{name(path)} has {lines} lines")
            number = re.match(r"(\d{4})-", path.name)
            if number and seen.setdefault(number[1], path.name) != path.name:
                problems.append(f"{path.name} and {seen[number[1]]} have one number")
        self.check(problems)


class Sources(unittest.TestCase):
    def check(self, problems):
        if problems:
            self.fail("\n" + "\n".join(problems))

    def test_no_file_is_too_long(self):
        problems = []
        for top in ("src", "apps"):
            for path in files(ROOT / top, *CODE):
                lines = len(text(path).splitlines())
                if lines > MAX_LINES:
                    problems.append(f"{name(path)} has {lines} lines")
        self.check(problems)

    def test_nothing_is_left_unfinished(self):
        problems = []
        for top in ("src", "apps", "tests", "bench", "docs", "packaging", "cmake", "tools", ".ci"):
            for path in files(ROOT / top, *CODE, ".cpp", ".py", ".md", ".txt", ".cmake", ".toml", ".sh", "run"):
                if path.name == "docs_test.py":
                    continue
                for number, line in enumerate(text(path).splitlines(), 1):
                    if UNFINISHED.search(line):
                        problems.append(f"{name(path)}:{number}: {line.strip()}")
        self.check(problems)


if __name__ == "__main__":
    unittest.main()
