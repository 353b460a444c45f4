#!/bin/sh
# A job of a CI: a trigger has to pass its exam before it is merged.
#
#   trigger_gate.sh rules/caution_light.yaml "precision>=0.6, upload_mb_per_car_day<=4" [more options of the exam]
#
# Keep exam.html and exam.json as what the job leaves behind. The exit code is the exam's: 0 merges, 1 refuses. 3, it
# cannot be told yet, refuses too, and says what it would take; 2 is a mistake in the spec, the requirement or the call.
set -u
spec=$1 required=$2
shift 2
outrider trigger exam "$spec" --require "$required" --out exam.html --json "$@" >exam.json
verdict=$?
case $verdict in
0) echo "$spec passes: $required" ;;
1) echo "$spec fails" ;;
3) echo "$spec cannot be told yet" ;;
*) exit "$verdict" ;;
esac
python3 -c '
import json, sys
for each in json.load(sys.stdin)["requirements"]:
    print("{verdict}: {requirement}, {why}".format(**each))
' <exam.json
exit "$verdict"
