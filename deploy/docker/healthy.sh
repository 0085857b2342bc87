#!/bin/bash
# Whether the process that listens on this port of ours is well: `healthy PORT [PATH]`. Ends with 0
# where GET PATH, /healthz unless another is given, is answered by 200.
#
# By bash alone, so that the image needs no HTTP client.
set -u

port=${1:?which port}
path=${2:-/healthz}

exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$path" >&3
read -r -t 4 _ status _ <&3
[ "${status:-}" = 200 ]
