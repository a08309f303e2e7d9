#!/usr/bin/env bash
# run_fuzzers.sh BUILD_DIR SECONDS: runs every *_fuzz program for so long over fuzz/corpus/<name>, two at a time.
set -uo pipefail
directory=$1 seconds=$2
passed=0 failed=0
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

fuzz_one() {
  local program=$1 name found corpus
  name=$(basename "$program")
  found=$directory/found/$name
  corpus=$directory/corpus/$name
  mkdir -p "$found" "$corpus" "fuzz/corpus/$name"
  local seeds=("fuzz/corpus/$name")
  [ "$name" = message_parser_fuzz ] && seeds+=("$directory/messages")
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$found/" -print_final_stats=0 \
    "$corpus" "${seeds[@]}" >"$program.log" 2>&1
}

python3 tests/corpus/corpus.py "$directory/messages"  # the ugly messages as files

pids=() names=()
reap() {
  if wait "${pids[0]}"; then
    passed=$((passed + 1))
    echo "${names[0]}: no finding in $seconds s"
  else
    failed=$((failed + 1))
    echo "FAILED: ${names[0]}"
    tail -n 40 "$directory/${names[0]}.log"
  fi
  pids=("${pids[@]:1}") names=("${names[@]:1}")
}
for program in "$directory"/*_fuzz; do
  [ -x "$program" ] || continue
  [ ${#pids[@]} -ge 2 ] && reap
  fuzz_one "$program" &
  pids+=($!) names+=("$(basename "$program")")
done
while [ ${#pids[@]} -gt 0 ]; do reap; done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
