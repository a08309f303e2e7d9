// The result does not depend on how the bytes were cut, and what is not in the header is untouched.
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "intake/header_editor.h"

using posthorn::intake::HeaderEditor;

static std::string edited(std::string_view in, std::size_t piece) {
  HeaderEditor editor([](HeaderEditor::Missing m) { return std::string(m.date ? "D: 1\r\n" : "") + (m.message_id ? "M: 1\r\n" : ""); },
                      HeaderEditor::Bcc::drop);
  std::string out;
  for (; !in.empty(); in.remove_prefix(std::min(piece, in.size()))) editor.edit(in.substr(0, piece), out);
  editor.finish(out);
  if (!editor.kept_all()) return out;  // what is remembered of a field that is too long depends on the pieces
  for (const auto& field : editor.kept()) out += '\0' + field.name + '\0' + field.value;
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const auto whole = edited(in, in.size() + 1);
  CHECK(whole == edited(in, 1));
  CHECK(whole == edited(in, 7));
  return 0;
}
