// Issues links to objects: node issue.mjs s3://<mediaBucket>/simple-chat/photo.jpg …
//
// It reads two of the stack's outputs, as `make outputs FORMAT=env` names them: MEDIA_ISSUER_URL and
// MEDIA_BUCKET_REGION. Credentials are those of the standard AWS chain. It prints a line for each object, its
// link behind a tab, and ends with 1 if an object has none, and with 3 if the issuer cannot be reached or refuses.
import { Sha256 } from "@aws-crypto/sha256-js";
import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";

const issuer = new URL("links", process.env.MEDIA_ISSUER_URL);
const signer = new SignatureV4({
  service: "lambda", region: process.env.MEDIA_BUCKET_REGION, credentials: defaultProvider(), sha256: Sha256,
});
const tries = 5;

// call makes one signed call. A redirect is not followed: it would take the signed call elsewhere.
async function call(body) {
  const request = await signer.sign({
    method: "POST", protocol: issuer.protocol, hostname: issuer.hostname, port: issuer.port, path: issuer.pathname,
    headers: { host: issuer.host, "content-type": "application/json" }, body,
  });
  return fetch(issuer, {
    method: "POST", headers: request.headers, body, redirect: "manual", signal: AbortSignal.timeout(35_000),
  });
}

// issue returns the answer's links for up to 100 objects. It tries again what may succeed later: asking twice gives
// the same links.
async function issue(objects, terms = {}) {
  const body = JSON.stringify({ objects, ...terms });
  for (let attempt = 1; ; attempt++) {
    let problem;
    try {
      const response = await call(body);
      const answer = await response.json().catch(() => ({}));
      const busy = answer.links?.some((l) => ["busy", "unavailable"].includes(l.error?.code));
      if (answer.links && (!busy || attempt === tries)) return answer.links;
      problem = answer.error?.message ?? answer.Message ?? `the issuer answered ${response.status}`;
      if (response.status < 500 && response.status !== 429 && !busy) throw new Refused(problem);
    } catch (error) {
      if (error instanceof Refused) throw error;
      problem = error.message;
    }
    if (attempt === tries) throw new Refused(problem);
    await new Promise((wake) => setTimeout(wake, 200 * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)));
  }
}

class Refused extends Error {}

try {
  for (const link of await issue(process.argv.slice(2))) {
    if (link.error) {
      console.error(`${link.object}: ${link.error.message} (${link.error.code})`);
      process.exitCode = 1;
    } else {
      console.log(`${link.object}\t${link.url}`);
    }
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 3;
}
