#!/bin/sh
# Calls a procedure by a single HTTP request, where [http] bridge of the desktop's configuration allows that.
#
# usage: call.sh URL TOKEN PROCEDURE [ARGUMENTS]     like: call.sh http://127.0.0.1:5020/api/home s3cret com.example.add '[1, 2]'
#
# It prints {"args": […], "kwargs": {…}} or {"error": …, "args": […]}; CURL_OPTIONS may say which certificate is right.
set -eu
url=$1 token=$2 procedure=$3 arguments=${4:-[]}
# The token comes from a file that curl reads: what stands on a command line, every user of the machine can see.
exec curl --silent --show-error --fail-with-body ${CURL_OPTIONS:-} \
  --header "Content-Type: application/json" --config - \
  --data "{\"procedure\": \"$procedure\", \"args\": $arguments}" "$url/call" <<CONFIG
header = "Authorization: Bearer $token"
CONFIG
