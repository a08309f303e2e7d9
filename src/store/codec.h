// The values of the store's rows (docs/formats/store.md).
#pragma once

#include "base/row_codec.h"

namespace posthorn::store {

using posthorn::put_signed;
using posthorn::put_string;
using posthorn::put_varint;
using posthorn::RowReader;

}  // namespace posthorn::store
