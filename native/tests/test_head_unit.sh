#!/bin/sh
# head_unit from the outside: rows, and a clear word for everything that can be wrong.
#   sh test_head_unit.sh [EMULATOR ...] HEAD_UNIT
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
  echo "test_head_unit: $*" >&2
  sed 's/^/  stderr: /' "$work/err" >&2
  failed=1
}

# expect STATUS PATTERN ARGUMENT...: with $work/in as input, head_unit ends with STATUS and says PATTERN.
expect() {
  status=$1 pattern=$2
  shift 2
  "$@" <"$work/in" >"$work/out" 2>"$work/err"
  got=$?
  [ "$got" = "$status" ] || fail "$*: status $got, not $status"
  grep -q -e "$pattern" "$work/err" || { [ -z "$pattern" ] && [ ! -s "$work/err" ]; } || fail "$*: does not say '$pattern'"
}

# samples N: N samples of 16 bits of a coarse saw-tooth.
samples() {
  awk -v n="$1" 'BEGIN { for (i = 0; i < n; ++i) printf "\\0\\%03o", i * 2 % 100 }' >"$work/octal"
  printf "$(cat "$work/octal")" >"$work/in"
}

samples 110250 # 5 s
expect 0 '' "$@"
[ "$(wc -l <"$work/out")" -eq 3 ] || fail "5 s give $(wc -l <"$work/out") lines, not a header and two rows"
[ "$(head -n 1 "$work/out" | cut -d, -f1-3)" = "start_s,end_s,mfcc_1_mean" ] || fail "unknown header"
[ "$(awk -F, '{ print NF }' "$work/out" | sort -u)" = 52 ] || fail "not 52 columns in each line"
cp "$work/out" "$work/csv"
expect 0 '' "$@" --tsv
tr '\t' , <"$work/out" | cmp -s - "$work/csv" || fail "--tsv differs in more than separators"
expect 0 '' "$@" --channels 2 --sample-rate 11025 # 110250 samples are 5 s of that as well
[ "$(wc -l <"$work/out")" -eq 3 ] || fail "stereo at half the rate: not two rows"
expect 0 '' "$@" --channels 1 --sample-rate 32000
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "3.4 s at 32 kHz: not one row"
for rate in 4000 8000 22049 24000 48000 64000 88200 96000 176400; do # some of what --help names
  "$@" --sample-rate "$rate" <"$work/in" >"$work/out" 2>"$work/err" || fail "--sample-rate $rate is refused"
done
expect 0 'too short for a row' "$@" --sample-rate 192000
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "0.6 s give rows"

printf x >>"$work/in"
expect 1 'ends within a sample: 1 of 2 bytes' "$@"
cmp -s "$work/out" "$work/csv" || fail "an odd byte at the end changes the rows before it"
printf '\0\0\0\0\0' >"$work/in"
expect 1 'ends within a sample: 1 of 4 bytes' "$@" --format f32le
printf '\0\0\0\0\0\0\300\177' >"$work/in"
expect 1 'the sound at 0.000045 s is NaN' "$@" --format f32le
: >"$work/in"
expect 0 'too short for a row' "$@"

expect 1 'no resampling from 99991 to 22050' "$@" --sample-rate 99991
expect 1 'no resampling from 23000 to 22050.* 0.92 of rate_in' "$@" --sample-rate 23000
expect 2 "unknown argument '--rate'" "$@" --rate 8000
expect 2 '--sample-rate needs a value' "$@" --sample-rate
expect 2 "4000 to 192000, not '3999'" "$@" --sample-rate 3999
expect 2 "not '22050x'" "$@" --sample-rate 22050x
expect 2 "not '-1'" "$@" --channels -1
expect 2 "not '99999999999999999999'" "$@" --channels 99999999999999999999
expect 2 "not 'mp3'" "$@" --format mp3
expect 0 '' "$@" --help
expect 0 '' "$@" --version

samples 110250
"$@" <"$work/in" 2>"$work/err" >&- && fail "a closed output goes unnoticed"
grep -q 'cannot write standard output' "$work/err" || fail "a closed output: no word of it"
{ "$@" <"$work/in" 2>"$work/err"; echo $? >"$work/status"; } | :
[ "$(cat "$work/status")" = 1 ] || fail "a reader that went away: status $(cat "$work/status"), not 1"
grep -q 'cannot write standard output' "$work/err" || fail "a reader that went away: no word of it"
if [ -c /dev/full ]; then
  "$@" <"$work/in" 2>"$work/err" >/dev/full && fail "a full disk goes unnoticed"
  grep -q 'cannot write standard output' "$work/err" || fail "a full disk: no word of it"
fi
"$@" <&- >"$work/out" 2>"$work/err" && fail "a closed input goes unnoticed"
grep -q 'cannot read standard input' "$work/err" || fail "a closed input: no word of it"
exit $failed
