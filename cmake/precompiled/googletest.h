// For unit tests.
#include <gtest/gtest.h>
