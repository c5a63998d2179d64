// A Node.js runtime client for the Lambda Runtime API: poll, run the handler,
// answer, over one kept-alive connection. AWS's own needs a C++ toolchain to
// install; this one has its loop, less what costs time: no X-Ray, no patched
// console, and the answer is posted at once where AWS's waits a turn of the
// event loop first.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://github.com/aws/aws-lambda-nodejs-runtime-interface-client

const http = require("node:http");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const base = "/2018-06-01/runtime/invocation/";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
    const request = http.request({ hostname, port, agent, method, path: base + path, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function serve(handler) {
  for (;;) {
    const next = await call("GET", "next");
    const id = next.headers["lambda-runtime-aws-request-id"];
    const context = { awsRequestId: id, getRemainingTimeInMillis: () => next.headers["lambda-runtime-deadline-ms"] - Date.now() };
    try {
      const answer = await handler(JSON.parse(next.body), context);
      await call("POST", `${id}/response`, JSON.stringify(answer));
    } catch (error) {
      await call("POST", `${id}/error`, JSON.stringify({ errorType: error.name, errorMessage: error.message }));
    }
  }
}

serve(require(process.argv[2]).handler).catch((error) => {
  console.error(error);
  process.exit(1);
});
