// STORE, COPY, MOVE, UID EXPUNGE: commands that take a set of messages. FETCH has a file of its own.
#include <utility>

#include "proto/imap/grammar.h"

namespace posthorn::imap {
namespace {

template <class C>
Outcome take_set_and_mailbox(Cursor& in, const ParserLimits& limits) {
  C out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  TRY(out.mailbox, take_mailbox(in, limits));
  return out;
}

}  // namespace

Outcome take_copy(Cursor& in, const ParserLimits& limits) { return take_set_and_mailbox<Copy>(in, limits); }
Outcome take_move(Cursor& in, const ParserLimits& limits) { return take_set_and_mailbox<Move>(in, limits); }

// "STORE" SP sequence-set [SP "(" store-modifier ")"] SP store-att-flags [RFC7162 3.1.3]
Outcome take_store(Cursor& in, const ParserLimits& limits) {
  Store out;
  TRY_OK(in.take_space());
  TRY(out.set, take_sequence_set(in, limits));
  TRY_OK(in.take_space());
  if (in.take('(')) {
    if (!in.take_word("UNCHANGEDSINCE")) return fail(Errc::syntax, "Unknown STORE modifier");
    TRY_OK(in.take_space());
    TRY(out.unchanged_since, in.take_number63());
    TRY_OK(in.expect(')'));
    TRY_OK(in.take_space());
  }
  if (in.take('+'))
    out.action = Store::Action::add;
  else if (in.take('-'))
    out.action = Store::Action::remove;
  out.silent = in.take_word("FLAGS.SILENT");
  if (!out.silent && !in.take_word("FLAGS")) return fail(Errc::syntax, "Expected FLAGS");
  TRY_OK(in.take_space());
  TRY(out.flags, in.peek() == '(' ? take_flag_list(in, limits) : take_bare_flags(in, limits));
  return out;
}

// "EXPUNGE" SP sequence-set [RFC4315 2.1]
Outcome take_uid_expunge(Cursor& in, const ParserLimits& limits) {
  TRY_OK(in.take_space());
  TRY(auto set, take_sequence_set(in, limits));
  return Expunge{std::move(set)};
}

}  // namespace posthorn::imap
