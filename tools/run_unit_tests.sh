#!/usr/bin/env bash
# run_unit_tests.sh BUILD_DIR: runs every *_test program there; prints what failed and "N passed, N failed".
set -uo pipefail
directory=$1
passed=0 failed=0
for program in "$directory"/*_test; do
  [ -x "$program" ] || continue
  log=$program.log
  timeout 300 "$program" --gtest_brief=0 >"$log" 2>&1
  status=$?
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
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
