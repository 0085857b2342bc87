#!/bin/sh
# A plugin that copies a folder and compares it with its copy. Each run adds a line to SOURCE.starts. While there is a
# file SOURCE.wait, a run waits, beside a tool in a session of its own whose process id is in SOURCE.tool.
set -u
read -r request
op=$(printf '%s' "$request" | sed 's/.*"op":"\([a-z]*\)".*/\1/')
source=$(printf '%s' "$request" | sed 's/.*"source":"\([^"]*\)".*/\1/')
target=$(printf '%s' "$request" | sed 's/.*"target":"\([^"]*\)".*/\1/')
echo '{"type":"hello","protocol":1,"name":"copy","version":"1"}'
case $op in
describe) echo '{"type":"result","outcome":"done","sentence":"Copies.","describe":{"name":"copy","version":"1","operations":["describe","run","verify"]}}' ;;
run)
    if [ -e "$source.wait" ]; then
        setsid sleep 600 </dev/null >/dev/null 2>&1 &
        echo $! >"$source.tool"
    fi
    echo started >>"$source.starts"
    while [ -e "$source.wait" ]; do sleep 0.1; done
    cp -R "$source/." "$target/"
    n=$(find "$source" -type f | wc -l)
    echo "{\"type\":\"result\",\"outcome\":\"done\",\"sentence\":\"$((n)) files copied.\",\"counts\":{\"seen\":$((n)),\"copied\":$((n))}}" ;;
verify)
    bad=$(diff -rq --exclude=.strongroom "$source" "$target" | wc -l)
    n=$(find "$source" -type f | wc -l)
    if [ $((bad)) -eq 0 ]
    then echo "{\"type\":\"result\",\"outcome\":\"done\",\"sentence\":\"All files are right.\",\"counts\":{\"seen\":$((n)),\"proven\":$((n))},\"evidence\":{\"method\":\"bytes\",\"files\":$((n))}}"
    else echo "{\"type\":\"result\",\"outcome\":\"failed\",\"sentence\":\"$((bad)) files differ.\",\"counts\":{\"seen\":$((n)),\"mismatched\":$((bad))},\"evidence\":{\"method\":\"bytes\",\"files\":$((n))}}"
    fi ;;
*) echo '{"type":"unsupported"}' ;;
esac
