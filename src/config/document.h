// The configuration file as a tree in the order of the file, with positions.  Hides toml++ (and its
// exceptions).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"

namespace posthorn::config {

struct Position {
  int line = 0;    // from 1; 0: unknown
  int column = 0;  // from 1
};

struct Entry;

struct Node {
  enum class Kind { boolean, integer, real, text, date, array, table };
  Kind kind = Kind::table;
  Position at;
  SettingValue value;          // of the first four kinds
  std::vector<Node> items;     // array
  std::vector<Entry> entries;  // table, in the order of the file
  bool is_table() const { return kind == Kind::table; }
  const std::string* text() const { return std::get_if<std::string>(&value); }  // null when it is none
};

struct Entry {
  std::string key;
  Position at;  // of the key
  Node node;
};

std::string_view to_string(Node::Kind);  // "text in quotes", "a whole number", ...

struct SyntaxError {
  Position at;
  std::string text;
};

struct Parsed {
  Node root;
  std::optional<SyntaxError> error;  // then root is empty
};

Parsed parse_toml(std::string_view text);

}  // namespace posthorn::config
