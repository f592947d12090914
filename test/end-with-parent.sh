#!/bin/sh
# Outlives the test process that started it: when that has ended, however it did, stops the products it left and removes their folders.
# Standard input names them, a line each ("pid N", "gone N", "folder PATH"; -N is a process group); its end says that the test process has ended.
trap '' INT TERM HUP
pids=' '
while read -r kind value; do
  case $kind in
    pid) pids="$pids$value " ;;
    gone) pids="${pids%% "$value" *} ${pids#* "$value" }" ;;
    folder) set -- "$@" "$value" ;;
  esac
done

# A product needs a moment for its own stop.
tries=150
for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
for pid in $pids; do
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.2
  done
  kill -KILL "$pid" 2>/dev/null
done

for folder; do
  # A database whose parent was killed outlives it.
  if [ -f "$folder/postgres/postmaster.pid" ]; then
    postmaster=$(head -n 1 "$folder/postgres/postmaster.pid")
    kill -QUIT "$postmaster" 2>/dev/null
    while kill -0 "$postmaster" 2>/dev/null && [ "$tries" -gt 0 ]; do
      tries=$((tries - 1))
      sleep 0.2
    done
  fi
  rm -rf "$folder"
done
