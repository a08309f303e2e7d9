#include "message/address.h"

#include <utility>

#include "message/encoded_word.h"
#include "message/header.h"
#include "message/lexer.h"

namespace posthorn::message {
namespace {

constexpr std::string_view kSpecials = "()<>[]:;@\\,.\"";  // [RFC5322 3.2.3]

// Words and dots in front of what decides their meaning.
struct Phrase {
  std::string text;  // as display name: words with one space where there was white space
  std::string
      local;  // the last run without white space inside (except around dots): the local part before "@"
  std::size_t before = 0;  // length of text in front of that run
  bool empty = true;
};

class AddressParser {
 public:
  AddressParser(std::string_view value, std::size_t max_count) : in_(value), max_(max_count) {}

  std::vector<Address> run() {
    while (list_.size() < max_) {
      in_.clear_comment();
      in_.skip_cfws();
      if (in_.at_end()) break;
      if (in_.take(',')) {
        after_angle_ = false;
        continue;
      }
      if (in_.take(';')) {
        after_angle_ = false;
        end_group();
        continue;
      }
      take_one();
    }
    end_group();
    return std::move(list_);
  }

 private:
  void end_group() {
    if (std::exchange(in_group_, false)) list_.push_back({Address::Kind::group_end, {}, {}, {}, {}});
  }

  // A quote that nothing closes is passed over: the address behind it is worth more.  After one there is no other that is closed,
  // and looking again would cost time.
  bool quotes_something() {
    quotes_close_ = quotes_close_ && in_.quote_is_closed();
    return quotes_close_;
  }

  Phrase take_phrase() {
    Phrase p;
    bool space = false, after_dot = false;
    for (;; space |= in_.skip_cfws()) {
      const char c = in_.peek();
      std::string word;
      if (c == '"') {
        if (!quotes_something()) {
          in_.skip_one();
          continue;
        }
        word = in_.take_quoted();
      } else if (c == '\\') {  // a quoted pair outside of quotes
        in_.skip_one();
        if (in_.at_end()) return p;
        word = in_.peek();
        in_.skip_one();
      } else if (c == '.') {
        in_.skip_one();
        word = ".";
      } else {
        // Departure from [RFC2047 5] (3): specials in an encoded word, as in =?utf-8?q?Doe,_John?=, belong to it.
        word = in_.take_encoded_word();
        if (word.empty()) word = in_.take_until(kSpecials);
        if (word.empty()) return p;
      }
      const bool dot = word == "." && c == '.';
      if (space && !dot && !after_dot) {
        p.before = p.text.size();
        p.local.clear();
      }
      if (space && !p.empty && !(dot && !after_dot)) p.text += ' ';
      p.text += word;
      p.local += word;
      p.empty = space = false;
      after_dot = dot;
    }
  }

  // [RFC5322 3.4.1, 4.4] dot-atom, domain-literal, or obs-domain.
  std::string take_domain() {
    std::string host;
    bool expects_atom = true;
    for (;;) {
      in_.skip_cfws();
      if (in_.take('.')) {
        host += '.';
        expects_atom = true;
        continue;
      }
      if (!expects_atom) return host;
      expects_atom = false;
      if (in_.take('[')) {
        host += '[';
        host += in_.take_until("]");
        host += ']';
        in_.take(']');
      } else {
        const std::string_view atom = in_.take_until(kSpecials);
        if (atom.empty()) return host;
        host += atom;
      }
    }
  }

  // After "@".  Departure: in "a@b@c" the last "@" counts, as most senders of that mean it.
  void take_host(Address& a) {
    a.host = take_domain();
    while (in_.take('@')) {
      a.mailbox += '@' + a.host;
      a.host = take_domain();
    }
  }

  // [RFC5322 4.4] obs-route: "@a,@b" in front of a colon.  Only its text is kept.
  std::string take_route() {
    std::string route;
    while (in_.peek() == '@' || in_.peek() == ',') {
      if (in_.take(',')) {
        in_.skip_cfws();
        continue;
      }
      in_.skip_one();
      if (!route.empty()) route += ',';
      route += '@' + take_domain();
    }
    return route;
  }

  // After "<".
  void take_angle(std::string name) {
    Address a;
    a.name = std::move(name);
    in_.skip_cfws();
    if (in_.peek() == '@') a.adl = take_route();
    if (!a.adl.empty() && !in_.take(':')) a.host = std::exchange(a.adl, {}).substr(1);  // "<@host>"
    in_.skip_cfws();
    for (;;) {  // the local part, with white space and stray characters ("mailto:") tolerated
      const Phrase p = take_phrase();
      a.mailbox += p.before == 0 ? p.local : p.text;
      const char c = in_.peek();
      if (in_.at_end() || c == '@' || c == '>' || c == ',') break;
      if (c == '<') a.mailbox.clear();  // "<<a@b>>": the inner one counts
      else a.mailbox += c;
      in_.skip_one();
    }
    if (in_.take('@')) take_host(a);
    // What else stands before ">" means nothing.
    while (!in_.at_end() && in_.peek() != '>' && in_.peek() != ',') in_.skip_one();
    in_.take('>');
    list_.push_back(std::move(a));
    after_angle_ = true;
  }

  void take_one() {
    Phrase p = take_phrase();
    const char c = in_.peek();
    if (c == '<') {
      in_.skip_one();
      return take_angle(std::move(p.text));
    }
    if (c == ':' && !in_group_) {
      in_.skip_one();
      in_group_ = true;
      after_angle_ = false;
      list_.push_back({Address::Kind::group_begin, {}, {}, std::move(p.text), {}});
      return;
    }
    if (c == '@') {
      in_.skip_one();
      return take_addr_spec(std::move(p));
    }
    if (p.empty) return in_.skip_one();  // a stray special
    if (after_angle_) return;  // "<a@b> words": they mean nothing
    list_.push_back({Address::Kind::mailbox, in_.comment(), {}, std::move(p.text), {}});
  }

  void take_addr_spec(Phrase p) {
    Address a;
    a.mailbox = std::move(p.local);
    in_.clear_comment();
    take_host(a);
    if (in_.take('<')) {  // "joe@x <joe@x>": an unquoted address as display name
      std::string name = p.text.substr(0, p.before);
      if (!name.empty()) name += ' ';
      return take_angle(name + a.mailbox + '@' + a.host);
    }
    a.name = p.before == 0 ? in_.comment() : p.text.substr(0, p.before);
    list_.push_back(std::move(a));
  }

  Lexer in_;
  std::size_t max_;
  std::vector<Address> list_;
  bool in_group_ = false;
  bool after_angle_ = false;  // nothing but words since the last "<...>"
  bool quotes_close_ = true;
};

}  // namespace

std::vector<Address> parse_address_list(std::string_view value, std::size_t max_count) {
  const std::string unfolded = unfold(value);
  return AddressParser(unfolded, max_count).run();
}

std::string address_list_text(const std::vector<Address>& list) {
  std::string out;
  bool first = true;
  for (const Address& a : list) {
    if (a.kind == Address::Kind::group_end) {
      out += ';';
      continue;
    }
    if (!std::exchange(first, false)) out += ", ";
    if (a.kind == Address::Kind::group_begin) {
      out += decode_encoded_words(a.mailbox) + ':';
      continue;
    }
    if (!a.name.empty()) out += decode_encoded_words(a.name) + ' ';
    out += '<' + decode_encoded_words(a.mailbox);
    if (!a.host.empty()) out += '@' + decode_encoded_words(a.host);
    out += '>';
  }
  return out;
}

}  // namespace posthorn::message
