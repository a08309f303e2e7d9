#include "config/document.h"

#include <algorithm>
#include <exception>
#include <tuple>

#include <toml++/toml.h>

namespace posthorn::config {
namespace {

Position position(const toml::source_region& region) {
  return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

// Recursion is bounded: toml++ refuses more than 256 levels.
Node convert(const toml::node& from) {
  Node to;
  to.at = position(from.source());
  if (const auto* const table = from.as_table()) {
    to.kind = Node::Kind::table;
    for (const auto& [key, node] : *table)
      to.entries.push_back({std::string(key.str()), position(key.source()), convert(node)});
    std::ranges::sort(to.entries, {}, [](const Entry& e) { return std::tie(e.at.line, e.at.column, e.key); });
  } else if (const auto* const array = from.as_array()) {
    to.kind = Node::Kind::array;
    for (const auto& node : *array) to.items.push_back(convert(node));
  } else if (const auto* const text = from.as_string()) {
    to.kind = Node::Kind::text;
    to.value = text->get();
  } else if (const auto* const integer = from.as_integer()) {
    to.kind = Node::Kind::integer;
    to.value = integer->get();
  } else if (const auto* const real = from.as_floating_point()) {
    to.kind = Node::Kind::real;
    to.value = real->get();
  } else if (const auto* const boolean = from.as_boolean()) {
    to.kind = Node::Kind::boolean;
    to.value = boolean->get();
  } else {
    to.kind = Node::Kind::date;
  }
  return to;
}

}  // namespace

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::boolean:
      return "true or false";
    case Node::Kind::integer:
      return "a whole number";
    case Node::Kind::real:
      return "a number";
    case Node::Kind::text:
      return "text in quotes";
    case Node::Kind::date:
      return "a date or time";
    case Node::Kind::array:
      return "a list";
    case Node::Kind::table:
      return "a table";
  }
  return "something else";
}

Parsed parse_toml(std::string_view text) {
  Parsed out;
  // Debian builds toml++ with exceptions; they end here.
  try {
    const toml::table table = toml::parse(text);
    out.root = convert(table);
  } catch (const toml::parse_error& e) {
    out.error = SyntaxError{position(e.source()), std::string(e.description())};
  } catch (const std::exception& e) {
    out.error = SyntaxError{{}, e.what()};
  }
  return out;
}

}  // namespace posthorn::config
