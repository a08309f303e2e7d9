#!/usr/bin/env bash
# run_unit_tests.sh BUILD_DIR: runs every *_test program there, two at a time; prints what failed and "N passed, N failed".
set -uo pipefail
directory=$1
passed=0 failed=0

pids=() programs=()
reap() {
  wait "${pids[0]}"
  local status=$? program=${programs[0]}
  local log=$program.log
  pids=("${pids[@]:1}") programs=("${programs[@]:1}")
  local ok bad
  ok=$(grep -c '^\[       OK \]' "$log")
  bad=$(grep -cE '^\[  FAILED  \] [^ ]+\.[^ ]+ \(' "$log")
  passed=$((passed + ok))
  if [ $status -ne 0 ]; then
    [ "$bad" -eq 0 ] && bad=1  # it crashed, or ran out of time
    echo "FAILED: $program (status $status)"
    grep -vE '^\[ +(RUN|OK)' "$log" | tail -n 80
  fi
  failed=$((failed + bad))
  echo "$(basename "$program"): $ok passed, $bad failed"
}
for program in "$directory"/*_test; do
  [ -x "$program" ] || continue
  [ ${#pids[@]} -ge 2 ] && reap
  timeout 300 "$program" --gtest_brief=0 >"$program.log" 2>&1 &
  pids+=($!) programs+=("$program")
done
while [ ${#pids[@]} -gt 0 ]; do reap; done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
