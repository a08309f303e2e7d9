// For tests: an incremental decoder must not care how its input is cut.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace posthorn::text {

// make() gives something with feed(in, out) and finish(out).  Whole, at every split in two, and byte by byte.
template <class Make>
void expect_same_at_every_split(Make make, std::string_view in, std::string_view expected) {
  for (std::size_t cut = 0; cut <= in.size(); ++cut) {
    auto decoder = make();
    std::string out;
    decoder->feed(in.substr(0, cut), out);
    decoder->feed(in.substr(cut), out);
    decoder->finish(out);
    EXPECT_EQ(out, expected) << "cut at " << cut << " of " << in;
  }
  auto decoder = make();
  std::string out;
  for (const char& c : in) decoder->feed(std::string_view(&c, 1), out);
  decoder->finish(out);
  EXPECT_EQ(out, expected) << "byte by byte: " << in;
}

}  // namespace posthorn::text
