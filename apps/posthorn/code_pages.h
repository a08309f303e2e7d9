// The program's own code, kept from waiting for the disk.
#pragma once

namespace posthorn {

// Maps the code of the program and its libraries, some 25 MiB, instead of one page at its first use: a session that comes after a quiet night, or
// after something else has filled the page cache, would wait for the disk again and again.  The kernel may still take the pages when memory is short.
// Takes some milliseconds; failing is no harm.
void map_code_pages();

}  // namespace posthorn
