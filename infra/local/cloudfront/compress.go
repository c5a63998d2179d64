package cloudfront

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
)

// Sizes in bytes between which CloudFront compresses.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
const (
	leastCompressed = 1_000
	mostCompressed  = 10_000_000
)

// compressible are the media types that CloudFront compresses. The same page, "File types that CloudFront
// compresses".
var compressible = strings.Fields(`
application/dash+xml application/eot application/font application/font-sfnt application/javascript application/json
application/opentype application/otf application/pdf application/pkcs7-mime application/protobuf application/rss+xml
application/truetype application/ttf application/vnd.apple.mpegurl application/vnd.mapbox-vector-tile
application/vnd.ms-fontobject application/wasm application/xhtml+xml application/xml application/x-font-opentype
application/x-font-truetype application/x-font-ttf application/x-httpd-cgi application/x-javascript application/x-mpegurl
application/x-opentype application/x-otf application/x-perl application/x-ttf font/eot font/opentype font/otf font/ttf
image/svg+xml text/css text/csv text/html text/javascript text/js text/plain text/richtext text/tab-separated-values
text/xml text/x-component text/x-java-source text/x-script vnd.apple.mpegurl`)

// compressed compresses an answer of the origin in place, if the behaviour, the cache policy, the viewer and the
// object all allow it. Brotli is preferred.
func (x *exchange) compressed(o *object) {
	encodings := x.acceptEncoding()
	if !x.Compress || o.status != http.StatusOK {
		return
	}
	media, _, err := mime.ParseMediaType(o.header.Get("Content-Type"))
	if err != nil || !slices.Contains(compressible, media) || o.header.Get("Content-Encoding") != "" {
		return
	}
	addVary(o.header, "Accept-Encoding")
	if encodings == "" || len(o.body) < leastCompressed || len(o.body) > mostCompressed {
		return
	}
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	encoding := "gzip"
	if strings.HasPrefix(encodings, "br") {
		w, encoding = brotli.NewWriterLevel(&out, brotli.DefaultCompression), "br"
	}
	_, _ = w.Write(o.body) // a buffer takes everything
	_ = w.Close()
	o.body, o.length = out.Bytes(), strconv.Itoa(out.Len())
	o.header.Set("Content-Encoding", encoding)
	delete(o.header, "Accept-Ranges")
	switch tag := o.header.Get("Etag"); {
	case strings.HasPrefix(tag, `"`):
		o.header.Set("Etag", "W/"+tag)
	case !strings.HasPrefix(tag, "W/"):
		o.header.Del("Etag")
	}
}
