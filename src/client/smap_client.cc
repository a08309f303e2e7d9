#include "client/smap_client.h"

#include <utility>

#include "proto/smap/words.h"

namespace posthorn::client {

std::string smap_quoted(std::string_view word) {
  std::string out;
  smap::put_word(out, word);
  return out;
}

Task<Result<std::string>> SmapClient::greeting(Deadline deadline) {
  CO_TRY(const auto line, co_await connection_.read_line(limits_.reader.line, net::LineEnd::any_lf, deadline));
  std::string text(line);
  const auto end = text.find(']');
  const auto offered = ' ' + text.substr(0, end) + ' ';
  if (!text.starts_with("* OK [CAPABILITY ") || end == text.npos || offered.find(" SMAP1 ") == offered.npos)
    co_return fail(Errc::unsupported, "the server does not offer SMAP1");
  co_return text;
}

Task<Result<SmapReply>> SmapClient::command(std::string line, Deadline deadline) {
  if (line.find_first_of("\r\n") != line.npos) co_return fail(Errc::invalid, "a command is one line");
  connection_.put(line + '\n');
  co_return co_await read_reply(nullptr, deadline);
}

Task<Result<SmapReply>> SmapClient::add(std::string words, std::string message, Deadline deadline) {
  if (words.find_first_of("\r\n") != words.npos) co_return fail(Errc::invalid, "a command is one line");
  const auto size = std::to_string(message.size());
  connection_.put("ADD " + words + " {" + size + '/' + size + "}\n");
  co_return co_await read_reply(&message, deadline);
}

// `upload` lives in the caller's frame.
Task<Result<SmapReply>> SmapClient::read_reply(const std::string* upload, Deadline deadline) {
  using Kind = SmapEvent::Kind;
  SmapReply reply;
  std::uint64_t size = 0;
  CO_TRY_OK(co_await connection_.flush(deadline));
  for (;;) {
    auto in = connection_.input();
    const auto before = in.size();
    auto event = reader_.next(in);
    if (event && *event && (*event)->kind == Kind::content && !reply.contents.empty()) reply.contents.back().bytes += (*event)->bytes;
    connection_.consume(before - in.size());
    size += before - in.size();
    CO_TRY_OK(event);
    if (size > limits_.reply) co_return fail(Errc::too_large, "the reply is too long");
    if (!*event) {
      CO_TRY_OK(co_await connection_.read_more(deadline));
      continue;
    }
    switch ((*event)->kind) {
      case Kind::status:
        reply.ok = (*event)->ok;
        reply.text = std::move((*event)->text);
        co_return reply;
      case Kind::data: reply.data.push_back(std::move((*event)->words)); break;
      case Kind::content_begin: reply.contents.push_back({.words = std::move((*event)->words), .bytes = {}}); break;
      case Kind::content:
      case Kind::content_end: break;
      case Kind::go_ahead:
        if (!upload) co_return fail(Errc::syntax, "the server waits for what was not announced");
        connection_.put(*upload);
        connection_.put("\n");
        upload = nullptr;
        CO_TRY_OK(co_await connection_.flush(deadline));
    }
  }
}

}  // namespace posthorn::client
