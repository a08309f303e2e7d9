"""What the tests of the tree share: where files are, what src/modules.txt says."""
import dataclasses
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
CODE = (".h", ".cc", ".inc")
# Not ours, or not text that people write.
SKIPPED = {"build", ".git", "__pycache__", "corpus", "node_modules", ".cache"}


def files(top, *suffixes):
    """Every file below `top` with one of the suffixes (none: all), sorted."""
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        for name in sorted(names):
            if not suffixes or name.endswith(suffixes):
                found.append(pathlib.Path(folder) / name)
    return found


def name(path):
    return str(path.relative_to(ROOT))


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")


@dataclasses.dataclass
class Module:
    layer: int
    folder: str
    includes: list
    libraries: list


def modules():
    """The lines of src/modules.txt, by folder."""
    table = {}
    for line in text(SRC / "modules.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\d+)\s+([a-z0-9/_]+)\s*:([^:]*):(.*)", line)
        if not match:
            raise ValueError(f"src/modules.txt: cannot read '{line}'")
        layer, folder, includes, libraries = match.groups()
        table[folder] = Module(int(layer), folder, includes.split(), libraries.split())
    return table


def module_of(path, table):
    """The module that a path relative to src/ belongs to: the longest folder of the table above it."""
    folder = os.path.dirname(str(path))
    while folder:
        if folder in table:
            return folder
        folder = os.path.dirname(folder)
    return None


INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(path):
    """(is our own, name) of every #include."""
    return [(quote == '"', what) for quote, what in INCLUDE.findall(text(path))]
