#include "server/imap/put_bodystructure.h"

#include "proto/imap/writer.h"
#include "server/imap/put_envelope.h"

namespace posthorn::imap {
namespace {

using message::PartView;
using message::StructureView;

// Stands for what the grammar demands and the message lacks: the part in a multipart that has none, the body of an
// embedded message that was not looked into.
constexpr std::string_view kEmptyPart = R"(("text" "plain" NIL NIL NIL "7bit" 0 0))";

class BodyWriter {
 public:
  BodyWriter(std::string& out, const StructureView& structure, ExtensionData extension, Revision revision)
      : out_(out), w_(out), structure_(structure), extension_(extension == ExtensionData::yes), rev2_(revision == Revision::rev2) {}

  // Recursion is as deep as message::Limits::depth lets the tree be.
  void put_body(const PartView& part) {
    w_.open();
    if (part.is_multipart()) put_multipart(part);
    else put_single(part);
    w_.close();
  }

 private:
  void put_multipart(const PartView& part) {
    if (part.first_child == message::kNoPart) w_.raw(kEmptyPart);
    for (auto i = part.first_child; i != message::kNoPart; i = structure_.parts[i].next_sibling) put_body(structure_.parts[i]);
    w_.sp().string(part.subtype);
    if (!extension_) return;
    w_.sp();
    put_params(structure_.params_of(part.params));
    put_common_extension(part);
  }

  void put_single(const PartView& part) {
    w_.string(part.type).sp().string(part.subtype).sp();
    put_params(structure_.params_of(part.params));
    w_.sp().nstring(part.id).sp().nstring(part.description).sp();
    w_.string(part.encoding.empty() ? "7bit" : part.encoding);
    w_.sp().number(part.body.size);
    if (part.type == "text") w_.sp().number(part.lines);
    // media-message is MESSAGE/RFC822 alone in [RFC3501 9], where message/global is a basic part; [RFC9051 9] has both.
    else if (part.type == "message" && (part.subtype == "rfc822" || (rev2_ && part.subtype == "global"))) put_message(part);
    if (!extension_) return;
    w_.sp().nstring(part.md5);
    put_common_extension(part);
  }

  void put_message(const PartView& part) {
    w_.sp();
    if (part.is_message() && part.first_child != message::kNoPart) {
      put_envelope(out_, structure_.envelopes[part.envelope]);
      w_.sp();
      put_body(structure_.parts[part.first_child]);
    } else {
      w_.raw("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ").raw(kEmptyPart);
    }
    w_.sp().number(part.lines);
  }

  void put_common_extension(const PartView& part) {
    w_.sp();
    if (part.disposition) {
      w_.open().string(*part.disposition).sp();
      put_params(structure_.params_of(part.disposition_params));
      w_.close();
    } else {
      w_.nil();
    }
    w_.sp();
    put_languages(structure_.languages_of(part.languages));
    w_.sp().nstring(part.location);
  }

  void put_params(std::span<const message::ParamView> params) {
    if (params.empty()) {
      w_.nil();
      return;
    }
    w_.open();
    for (std::size_t i = 0; i < params.size(); ++i) {
      if (i != 0) w_.sp();
      w_.string(params[i].name).sp().string(params[i].value);
    }
    w_.close();
  }

  void put_languages(std::span<const std::string_view> languages) {
    if (languages.empty()) {
      w_.nil();
    } else if (languages.size() == 1) {
      w_.string(languages.front());
    } else {
      w_.open();
      for (std::size_t i = 0; i < languages.size(); ++i) {
        if (i != 0) w_.sp();
        w_.string(languages[i]);
      }
      w_.close();
    }
  }

  std::string& out_;
  Writer w_;
  const StructureView& structure_;
  const bool extension_, rev2_;
};

}  // namespace

void put_bodystructure(std::string& out, const StructureView& structure, ExtensionData extension, Revision revision) {
  BodyWriter(out, structure, extension, revision).put_body(structure.parts.front());
}

}  // namespace posthorn::imap
