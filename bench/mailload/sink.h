// The far side of a relay: takes mail over SMTP, counts it and throws it away.
#pragma once

namespace mailload {

// Listens on --host:--port until --messages have come or --timeout seconds are over, then prints when the first and the last came
// (CLOCK_MONOTONIC, seconds).  With --hang it accepts connections and says nothing.  Exit status 1: they did not all come.
int run_sink();

}  // namespace mailload
