// The images function's job, written in the usual way for Node.js with sharp:
// the same request, the same limits, settings and headers as function/images,
// but for what a request that the bench does not make would need.
const { createHash } = require("node:crypto");
const sharp = require("sharp");

sharp.concurrency(1); // as in function/images: one thread makes a picture
sharp.cache(false);

// The settings of function/images: effort and quality decide about the time.
const encoders = {
  avif: (picture, quality) =>
    picture.avif({ quality: Math.trunc((quality * 5) / 8), effort: 1, chromaSubsampling: "4:2:0" }),
  webp: (picture, quality) => picture.webp({ quality, effort: 4 }),
  plain: (picture, quality) => picture.jpeg({ quality }),
};

const fields = (text) => Object.fromEntries(text.split(",").map((part) => part.split("=")));

async function make(headers) {
  const { width, height, fit = "inside", quality = "80" } = fields(headers["x-media-image-variant"]);
  const { megapixels, megabytes } = fields(headers["x-media-image-limits"]);
  const format = headers["x-media-image-format"];
  const source = await fetch(headers["x-media-image-source"], { redirect: "error" });
  if (!source.ok) throw new Error(`S3 answers ${source.status}`);
  const data = Buffer.from(await source.arrayBuffer());
  if (data.length > megabytes * 1e6) throw new Error("the source is too large");
  const picture = sharp(data, { limitInputPixels: megapixels * 1e6, failOn: "error" })
    .autoOrient()
    .resize({
      width: width && Number(width),
      height: height && Number(height),
      fit,
      withoutEnlargement: true,
      fastShrinkOnLoad: false, // which saves a tenth of the time, and can show moiré
    });
  const { data: body, info } = await encoders[format](picture, Number(quality)).toBuffer({ resolveWithObject: true });
  const of = [source.headers.get("etag"), headers["x-media-image-variant"], format, sharp.versions.vips];
  const left = Number(headers["x-media-image-expires"]) - Math.floor(Date.now() / 1000);
  const browser = Math.min(left, Number(headers["x-media-image-browser-seconds"]));
  return {
    statusCode: 200,
    headers: {
      "Cache-Control": `public, max-age=${browser}, s-maxage=${left}, stale-if-error=0`,
      "Content-Type": info.format === "heif" ? "image/avif" : `image/${info.format}`,
      ETag: `"${createHash("sha256").update(of.join("\n")).digest("base64url").slice(0, 22)}"`,
      Vary: "Accept",
    },
    body: body.toString("base64"),
    isBase64Encoded: true,
  };
}

exports.handler = async (event) => {
  const start = performance.now();
  try {
    const answer = await make(event.headers);
    console.log(JSON.stringify({ outcome: "made", bytesOut: answer.body.length, ms: performance.now() - start }));
    return answer;
  } catch (error) {
    console.log(JSON.stringify({ outcome: "failed", error: error.message, ms: performance.now() - start }));
    return { statusCode: 500, headers: { "Cache-Control": "no-store" }, body: "Something went wrong.\n" };
  }
};
