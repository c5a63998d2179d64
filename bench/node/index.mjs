// The edge function's job, written in the usual way for Node.js: the document
// client of the AWS SDK for the table, the SDK's presigner for the redirect. It
// gives the same answers as function/edge; the bench checks that before it
// measures anything.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const REGION_TIMEOUT_MS = 1250; // after that the request is tried once more
const LINK = /^\/images\/([A-Za-z0-9_-]{32})$/;
const MAX_KEY_BYTES = 1024;
const MAX_EPOCH_S = 2 ** 32 - 1;

const noStore = [{ key: "Cache-Control", value: "no-store" }];

const refuse = (status, statusDescription, body, more) => ({
  status,
  statusDescription,
  headers: {
    "cache-control": noStore,
    "content-type": [{ key: "Content-Type", value: "text/plain; charset=utf-8" }],
    ...more,
  },
  body,
});

const notFound = refuse("404", "Not Found", "Not found.\n");
const expired = refuse("403", "Forbidden", "This link has expired.\n");
const broken = refuse("500", "Internal Server Error", "Something went wrong.\n");
const unavailable = refuse("503", "Service Unavailable", "Try again later.\n", {
  "retry-after": [{ key: "Retry-After", value: "2" }],
});
const preflight = { status: "204", statusDescription: "No Content", headers: { "cache-control": noStore } };

const redirect = (url) => ({
  status: "302",
  statusDescription: "Found",
  headers: {
    "cache-control": [{ key: "Cache-Control", value: "private, no-store" }],
    location: [{ key: "Location", value: url }],
  },
});

// Clients are kept as long as the environment lives, and so are their sockets.
const tables = new Map();
function table(region) {
  if (!tables.has(region)) {
    const client = new DynamoDBClient({
      region,
      maxAttempts: 2,
      requestHandler: { connectionTimeout: REGION_TIMEOUT_MS, requestTimeout: REGION_TIMEOUT_MS, throwOnRequestTimeout: true },
    });
    tables.set(region, DynamoDBDocumentClient.from(client));
  }
  return tables.get(region);
}

const buckets = new Map();
function bucketClient(region) {
  if (!buckets.has(region)) {
    buckets.set(region, new S3Client({ region, forcePathStyle: Boolean(process.env.AWS_ENDPOINT_URL_S3) }));
  }
  return buckets.get(region);
}

function readConfig(origin) {
  const header = (name) => {
    const value = origin.s3.customHeaders[name]?.[0]?.value;
    if (!value) throw new Error(`origin custom header ${name} is missing`);
    return value;
  };
  const config = {
    table: header("x-media-table"),
    regions: header("x-media-regions").split(","),
    bucket: header("x-media-bucket"),
    bucketRegion: header("x-media-bucket-region"),
    delivery: header("x-media-delivery"),
    signatureTtl: Number(header("x-media-signature-ttl")),
    browserCache: Number(header("x-media-browser-cache")),
  };
  if (config.delivery !== "origin" && config.delivery !== "redirect") throw new Error("unknown delivery");
  if (!Number.isInteger(config.signatureTtl) || config.signatureTtl < 1) throw new Error("bad signature life");
  if (!Number.isInteger(config.browserCache) || config.browserCache < 0) throw new Error("bad browser cache");
  return config;
}

// lookup asks the function's own region first, if it holds the table; only the
// home region, the first of the list, can say that there is no such mapping.
async function lookup(config, hash) {
  const [home] = config.regions;
  const here = process.env.AWS_REGION;
  const order = config.regions.includes(here) ? [here, ...config.regions.filter((r) => r !== here)] : config.regions;
  const failures = [];
  for (const region of order) {
    try {
      const { Item } = await table(region).send(
        new GetCommand({ TableName: config.table, Key: { hash }, ConsistentRead: true }),
      );
      if (Item || region === home) return { item: Item, region };
    } catch (error) {
      failures.push(`${region}: ${error.message}`);
    }
  }
  throw new Error(failures.join("; "));
}

const isTime = (value) => Number.isInteger(value) && value >= 0 && value <= MAX_EPOCH_S;

// readMapping returns the mapping that an item holds, or undefined.
function readMapping(item, hash) {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(item.s3_url) ?? [];
  if (item.hash !== hash || !key || Buffer.byteLength(key) > MAX_KEY_BYTES) return undefined;
  if (!isTime(item.created_at) || !isTime(item.expires_at)) return undefined;
  if (item.service !== undefined && !(item.service && key.startsWith(`${item.service}/`))) return undefined;
  return { bucket, key, expiresAt: item.expires_at };
}

const encodeKey = (key) =>
  key
    .split("/")
    .map((part) => encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`))
    .join("/");

// SHOWN are the types that a browser may show at S3's host; see presign.go.
const SHOWN = {
  avif: "image/avif", gif: "image/gif", heic: "image/heic", jpeg: "image/jpeg", jpg: "image/jpeg", png: "image/png",
  webp: "image/webp", m4v: "video/mp4", mov: "video/quicktime", mp4: "video/mp4", webm: "video/webm", aac: "audio/aac",
  flac: "audio/flac", m4a: "audio/mp4", mp3: "audio/mpeg", ogg: "audio/ogg", wav: "audio/wav", pdf: "application/pdf",
};

function label(key) {
  const [, extension = ""] = /\.([^./]*)$/.exec(key.toLowerCase()) ?? [];
  const shown = Object.hasOwn(SHOWN, extension) && SHOWN[extension];
  return {
    ResponseContentDisposition: shown ? "inline" : "attachment",
    ResponseContentType: shown || (extension === "svg" ? "image/svg+xml" : "application/octet-stream"),
  };
}

async function decide(request, config, item, hash, now) {
  if (!item) return ["unknown", notFound];
  const mapping = readMapping(item, hash);
  if (!mapping) return ["corrupt", broken];
  if (now >= mapping.expiresAt * 1000) return ["expired", expired];
  if (mapping.bucket !== config.bucket) return ["wrong bucket", broken];
  if (config.delivery === "redirect") {
    const Command = request.method === "HEAD" ? HeadObjectCommand : GetObjectCommand;
    const url = await getSignedUrl(
      bucketClient(config.bucketRegion),
      new Command({ Bucket: mapping.bucket, Key: mapping.key, ...label(mapping.key) }),
      { expiresIn: Math.min(config.signatureTtl, mapping.expiresAt - Math.floor(now / 1000)) },
    );
    return ["redirected", redirect(url)];
  }
  const left = Math.floor((mapping.expiresAt * 1000 - now) / 1000);
  const cacheControl = `public, max-age=${Math.min(left, config.browserCache)}, s-maxage=${left}, stale-if-error=0`;
  request.uri = `/${encodeKey(mapping.key)}`;
  request.querystring = `response-cache-control=${encodeURIComponent(cacheControl)}`;
  return ["served", request];
}

function log(level, fields) {
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level, ...fields }));
}

async function answer(request) {
  const [, hash] = LINK.exec(request.uri) ?? [];
  if (!hash) return notFound;
  if (request.method === "OPTIONS") return preflight;
  const config = readConfig(request.origin);
  const start = Date.now();
  let found;
  try {
    found = await lookup(config, hash);
  } catch (error) {
    log("ERROR", { message: "lookup", outcome: "unavailable", hash: hash.slice(0, 8), error: error.message });
    return unavailable;
  }
  const now = Date.now();
  const [outcome, result] = await decide(request, config, found.item, hash, now);
  log("INFO", { message: "lookup", outcome, region: found.region, ms: now - start, hash: hash.slice(0, 8) });
  return result;
}

export async function handler(event) {
  try {
    if (event.Records.length !== 1) throw new Error("the event does not have one record");
    const { config, request } = event.Records[0].cf;
    if (config.eventType !== "origin-request") throw new Error(`the event's type is ${config.eventType}`);
    return await answer(request);
  } catch (error) {
    log("ERROR", { message: "failed", error: error.message });
    return broken;
  }
}
