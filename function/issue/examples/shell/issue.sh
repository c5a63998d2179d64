#!/usr/bin/env bash
# Issues a link to one object, and prints the issuer's answer: issue.sh s3://<mediaBucket>/simple-chat/photo.jpg
#
# It reads two of the stack's outputs, as `make outputs FORMAT=env` names them: MEDIA_ISSUER_URL and
# MEDIA_BUCKET_REGION, and credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. It needs
# curl 7.88 or later, since old ones do not sign the session's token, and ends with 22 if the issuer has no link for the
# object, or refuses.
set -euo pipefail

object=$1
case $object in *[[:cntrl:]]*) echo "control characters need an encoder of JSON" >&2; exit 2 ;; esac
object=${object//\\/\\\\}
object=${object//\"/\\\"}

# The secrets go in by a file descriptor: arguments can be seen by everybody on the machine.
secrets() {
  printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
  [ -z "${AWS_SESSION_TOKEN:-}" ] || printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
}

# --retry waits and tries again after 429 and 5xx, and obeys Retry-After. Asking twice gives the same link.
curl --silent --show-error --fail-with-body --max-time 35 --retry 4 --retry-connrefused \
  --config <(secrets) --aws-sigv4 "aws:amz:$MEDIA_BUCKET_REGION:lambda" \
  --header 'content-type: application/json' --data "{\"objects\":[\"$object\"]}" "${MEDIA_ISSUER_URL}links"
