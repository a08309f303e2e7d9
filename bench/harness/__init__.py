"""What bench/run is made of: servers to start, load to put on them, counters to read, a table to print."""
