#!/bin/sh
# A Strongroom plugin: dumps a database by a command, and proves that the dump is whole and unchanged. Needs jq.
# shellcheck disable=SC2016 # in single quotes: jq's variables
set -u
read -r ask
# Descriptor 3 is the protocol; whatever else prints goes to standard error.
exec 3>&1 1>&2 </dev/null

ask() { printf '%s' "$ask" | jq -r "$1"; }
say() { jq -nc "$@" >&3; }
end() { say --arg outcome "$1" --arg cause "$2" --arg sentence "$3" \
    '{type: "result", outcome: $outcome, cause: $cause, sentence: $sentence}'; exit 0; }
sum() { sha256sum <"$1" | cut -c1-64; }

if [ "$(ask '.protocol | index(1)')" = null ]; then
    say '{type: "unsupported", protocol: [1]}'
    exit 0
fi
say '{type: "hello", protocol: 1, name: "dump", version: "0.1.0"}'

# What is wrong with the configuration, as JSON.
problems=$(printf '%s' "$ask" | jq -c '.config as $c
    | if ($c | type) != "object" then [{pointer: "", message: "The configuration is not an object."}] else
        [("to" | select(($c.to | type) != "string")),
         ("end" | select(($c.end | type) | IN("string", "null") | not)),
         ("command" | select(($c.command | type) != "array" or ($c.command | length) == 0
                              or any($c.command[]?; type != "string")))
         | {pointer: "/\(.)", message: "\(.) has the wrong type.", next_step: "see the schema"}]
      end')

op=$(ask .op)
case $op in
describe)
    say '{type: "result", outcome: "done", sentence: "Dumps a database by a command.", describe: {
        operations: ["describe", "validate", "run", "verify"],
        config: {type: "object", required: ["command", "to"], properties: {
            command: {type: "array", items: {type: "string"}, minItems: 1, description: "Writes the dump to standard output"},
            to: {type: "string", description: "The file of the dump"},
            end: {type: "string", description: "What the last line of a whole dump holds"}}},
        examples: [{command: ["printf", "create table t;\n-- dump complete\n"], to: "{target}/dump.sql",
            end: "dump complete"}]}}'
    exit 0 ;;
validate)
    say --argjson problems "$problems" '{type: "result", problems: $problems}
        + if $problems == [] then {outcome: "done", sentence: "The configuration is valid."}
          else {outcome: "failed", cause: "config-invalid", sentence: $problems[0].message} end'
    exit 0 ;;
run | verify)
    [ "$problems" = '[]' ] || end failed config-invalid "$(printf '%s' "$problems" | jq -r '.[0].message')" ;;
*)
    say '{type: "unsupported"}'
    exit 0 ;;
esac

to=$(ask .config.to)
mark=$(ask '.config.end // ""')
whole() { [ -s "$1" ] && tail -n 1 "$1" | grep -qF -- "$mark"; }

if [ "$op" = verify ]; then
    [ -f "$to" ] || end failed proof-failed 'The dump is gone.'
    whole "$to" || end failed proof-failed 'The dump has no end mark.'
    [ "$(sum "$to")" = "$(ask .state.sha256)" ] || end failed proof-failed 'The dump is not the one that was written.'
    say --argjson bytes "$(wc -c <"$to")" '{type: "result", outcome: "done", sentence: "The dump is whole and unchanged.",
        counts: {seen: 1, proven: 1}, bytes: $bytes,
        evidence: {method: "sha256", read_back: "cached", files: 1, bytes: $bytes}}'
    exit 0
fi

[ -d "$(dirname "$to")" ] || end obstructed target-missing 'The target folder is not there.'
# The command's words, each in single quotes, as arguments of this script.
eval "set -- $(ask '.config.command | @sh')"
# Child processes die with us: SIGTERM comes to the whole group.
trap 'rm -f "$to.part"; end cancelled cancelled "The dump was cancelled."' TERM
"$@" >"$to.part"
code=$?
if [ $code -ne 0 ] || ! whole "$to.part" || ! sync "$to.part"; then
    rm -f "$to.part"
    end failed tool-failed "The dump could not be made: the command ended with code $code."
fi
sha256=$(sum "$to.part")
say --arg sha256 "$sha256" '{type: "state", state: {sha256: $sha256}}'
if [ -f "$to" ] && [ "$(sum "$to")" = "$sha256" ]; then
    rm -f "$to.part"
    end nothing unchanged 'The database has not changed since the last dump.'
fi
mv "$to.part" "$to"
say --argjson bytes "$(wc -c <"$to")" '{type: "result", outcome: "done", sentence: "The dump is written.",
    counts: {seen: 1, copied: 1}, bytes: $bytes}'
