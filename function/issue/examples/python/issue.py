"""Issues links to objects: python3 issue.py s3://<mediaBucket>/simple-chat/photo.jpg …

It reads two of the stack's outputs, as `make outputs FORMAT=env` names them: MEDIA_ISSUER_URL and
MEDIA_BUCKET_REGION. Credentials are those of the standard AWS chain. It prints a line for each object, its link
behind a tab, and ends with 1 if an object has none, and with 3 if the issuer cannot be reached or refuses.
"""

import json
import os
import random
import sys
import time

import botocore.exceptions
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

TRIES = 5
session = botocore.session.Session()
http = URLLib3Session(timeout=35)  # follows no redirect, which would take the signed call elsewhere


class Refused(Exception):
    """The issuer did not do it, and will not if asked again now."""


def call(body):
    """Makes one signed call and returns its status and its answer."""
    request = AWSRequest(method="POST", url=os.environ["MEDIA_ISSUER_URL"] + "links", data=body,
                         headers={"content-type": "application/json"})
    credentials = session.get_credentials()
    if credentials is None:
        raise Refused("there are no AWS credentials")
    SigV4Auth(credentials.get_frozen_credentials(), "lambda", os.environ["MEDIA_BUCKET_REGION"]).add_auth(request)
    response = http.send(request.prepare())
    try:
        return response.status_code, json.loads(response.content)
    except ValueError:
        return response.status_code, {}


def issue(objects, **terms):
    """Returns the answer's links for up to 100 objects.

    What may succeed later is tried again: asking twice gives the same links.
    """
    body = json.dumps({"objects": objects, **terms})
    for attempt in range(1, TRIES + 1):
        try:
            status, answer = call(body)
            links = answer.get("links")
            busy = any(l.get("error", {}).get("code") in ("busy", "unavailable") for l in links or [])
            if links and (not busy or attempt == TRIES):
                return links
            problem = answer.get("error", {}).get("message") or answer.get("Message") or f"the issuer answered {status}"
            if status < 500 and status != 429 and not busy:
                break
        except botocore.exceptions.HTTPClientError as error:
            problem = str(error)
        if attempt < TRIES:
            time.sleep(0.2 * 2 ** (attempt - 1) * random.uniform(0.5, 1))
    raise Refused(problem)


def main():
    try:
        links = issue(sys.argv[1:])
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 3
    for link in links:
        if "error" in link:
            print(f"{link['object']}: {link['error']['message']} ({link['error']['code']})", file=sys.stderr)
        else:
            print(f"{link['object']}\t{link['url']}")
    return 1 if any("error" in link for link in links) else 0


if __name__ == "__main__":
    sys.exit(main())
