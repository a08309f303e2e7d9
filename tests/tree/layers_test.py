"""src/modules.txt against the #include lines."""
import unittest

from tree import CODE, SRC, files, includes, module_of, modules, name

# The outside library of src/modules.txt that a header belongs to, by how it begins.
LIBRARY_OF = {
    "boost/": "boost", "openssl/": "openssl", "rocksdb/": "rocksdb", "unicode/": "icu", "spdlog/": "spdlog", "fmt/": "spdlog",
    "toml++/": "tomlplusplus", "toml.hpp": "tomlplusplus", "CLI/": "cli11", "argon2.h": "argon2", "lz4.h": "lz4", "unbound.h": "unbound",
}
TEST_ONLY = ("gtest/", "gmock/")
# The only header of Asio that our headers include: the rest costs seconds for each file that includes it.
LIGHT_ASIO = "boost/asio/awaitable.hpp"
# Neighbours of one layer: storage stands on kv, servers on server/common.
NEIGHBOURS = {("blob", "kv"), ("server/smtp", "server/common"), ("server/imap", "server/common"), ("server/pop3", "server/common"),
              ("server/smap", "server/common")}


class Layers(unittest.TestCase):
    def setUp(self):
        self.table = modules()

    def check(self, problems):
        if problems:
            self.fail("\n" + "\n".join(problems))

    def sources(self):
        for path in files(SRC, *CODE):
            yield path, module_of(path.relative_to(SRC), self.table)

    def test_every_source_is_in_a_module(self):
        self.check([f"{name(path)}: its folder has no line in src/modules.txt" for path, module in self.sources() if not module])

    def test_modules_have_sources(self):
        """No empty folders: a folder is born with its first file."""
        self.check([f"src/modules.txt: src/{m} has no source" for m in self.table
                    if not any(module == m for _, module in self.sources())])

    def test_the_table_goes_down(self):
        problems = []
        for m in self.table.values():
            for wanted in m.includes:
                if wanted not in self.table:
                    problems.append(f"{m.folder} may include {wanted}, which is no module")
                elif self.table[wanted].layer > m.layer or wanted == m.folder:
                    problems.append(f"{m.folder} (layer {m.layer}) may include {wanted} (layer {self.table[wanted].layer})")
                elif self.table[wanted].layer == m.layer and (m.folder, wanted) not in NEIGHBOURS:
                    problems.append(f"{m.folder} may include {wanted} of its own layer")
        self.check(problems)

    def test_the_table_has_no_cycle(self):
        done, path = set(), []

        def visit(folder):
            self.assertNotIn(folder, path, "cycle: " + " > ".join(path + [folder]))
            if folder in done:
                return
            path.append(folder)
            for wanted in self.table[folder].includes:
                visit(wanted)
            path.pop()
            done.add(folder)

        for folder in self.table:
            visit(folder)

    def test_includes_are_allowed(self):
        problems = []
        for path, module in self.sources():
            if not module:
                continue
            allowed = {module, *self.table[module].includes}
            for ours, what in includes(path):
                if not ours:
                    continue
                if not (SRC / what).is_file():
                    problems.append(f"{name(path)}: \"{what}\" is not below src/")
                    continue
                other = module_of(what, self.table)
                if other not in allowed:
                    problems.append(f"{name(path)} (in {module}) includes {what} of {other}")
        self.check(problems)

    def test_outside_libraries_are_those_of_the_table(self):
        problems = []
        for path, module in self.sources():
            if not module:
                continue
            linked = set(self.table[module].libraries)
            for below in self.table[module].includes:
                linked |= set(self.table[below].libraries) & {"boost"}  # awaitable.hpp comes with Task
            for ours, what in includes(path):
                library = next((lib for begin, lib in LIBRARY_OF.items() if what.startswith(begin)), None)
                if ours or library is None or library in linked:
                    continue
                problems.append(f"{name(path)} includes <{what}>, but {module} does not link {library}")
        self.check(problems)

    def test_tests_stay_in_tests(self):
        """Only tests include the test library, and nothing but tests includes a header that does."""
        includers = {}
        for path, _ in self.sources():
            for ours, what in includes(path):
                if ours:
                    includers.setdefault(what, []).append(path)
        is_test = lambda path: "test" in path.name
        problems = []
        for path, _ in self.sources():
            if is_test(path) or not any(not ours and what.startswith(TEST_ONLY) for ours, what in includes(path)):
                continue
            used_by = includers.get(str(path.relative_to(SRC)), [])
            if path.suffix != ".h" or not used_by or not all(is_test(user) for user in used_by):
                problems.append(f"{name(path)} includes the test library")
        self.check(problems)

    def test_headers_are_light(self):
        """No more of Asio than awaitable.hpp, in no header of ours."""
        problems = []
        for path, _ in self.sources():
            if path.suffix != ".h":
                continue
            for ours, what in includes(path):
                if not ours and what.startswith("boost/asio") and what != LIGHT_ASIO:
                    problems.append(f"{name(path)} includes <{what}>")
        self.check(problems)

    def test_headers_are_guarded(self):
        self.check([f"{name(path)}: no #pragma once" for path, _ in self.sources()
                    if path.suffix == ".h" and "#pragma once" not in path.read_text(encoding="utf-8")])


if __name__ == "__main__":
    unittest.main()
