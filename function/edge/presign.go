package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"secure-media-cdn/function/mapping"
)

// Presigner signs S3 URLs with the function's own credentials.
type Presigner struct {
	Credentials aws.Credentials
	// Endpoint is the S3 server to name in URLs, with the bucket in the path.
	// Empty, as it is on AWS, means the bucket's own host in its region: the
	// global one answers 307 or 400 for a bucket elsewhere.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
	Endpoint string
	Now      func() time.Time

	signer *v4.Signer
}

// NewPresigner returns a Presigner; see its fields.
func NewPresigner(credentials aws.Credentials, endpoint string, now func() time.Time) *Presigner {
	return &Presigner{Credentials: credentials, Endpoint: endpoint, Now: now,
		signer: v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = true // S3 signs the path as it is sent
		})}
}

// Sign implements the type Sign. life is counted from the present whole second,
// which the signature carries. The URL says how S3 must label the content; see
// shown.
func (p *Presigner) Sign(
	ctx context.Context, method string, object mapping.Object, region string, life time.Duration,
) (string, error) {
	host, uri := "https://"+object.Bucket+".s3."+region+".amazonaws.com", object.S3Path()
	if p.Endpoint != "" {
		host, uri = p.Endpoint, "/"+object.Bucket+uri
	}
	disposition, contentType := label(object.Key)
	query := "?X-Amz-Expires=" + strconv.FormatInt(int64(life/time.Second), 10) +
		"&response-content-disposition=" + disposition + "&response-content-type=" + url.QueryEscape(contentType)
	req, err := http.NewRequestWithContext(ctx, method, host+uri+query, nil)
	if err != nil {
		return "", fmt.Errorf("signing a URL: %w", err)
	}
	signed, _, err := p.signer.PresignHTTP(ctx, p.Credentials, req, "UNSIGNED-PAYLOAD", "s3", region, p.Now())
	if err != nil {
		return "", fmt.Errorf("signing a URL: %w", err)
	}
	return signed, nil
}

// shown are the types that a browser may show at S3's own host, by the key's
// extension in lower case. None of them can hold a script that runs there. Who
// uploads an object chooses its Content-Type freely, S3 repeats it, and no
// response headers policy applies at S3; so in redirect delivery the type
// follows the key, and whatever is not listed is downloaded.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
var shown = map[string]string{
	".avif": "image/avif",
	".gif":  "image/gif",
	".heic": "image/heic",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".png":  "image/png",
	".webp": "image/webp",

	".m4v":  "video/mp4",
	".mov":  "video/quicktime",
	".mp4":  "video/mp4",
	".webm": "video/webm",

	".aac":  "audio/aac",
	".flac": "audio/flac",
	".m4a":  "audio/mp4",
	".mp3":  "audio/mpeg",
	".ogg":  "audio/ogg",
	".wav":  "audio/wav",

	".pdf": "application/pdf",
}

// label returns the Content-Disposition and Content-Type for a key's object.
func label(key string) (disposition, contentType string) {
	extension := strings.ToLower(path.Ext(key))
	if contentType, ok := shown[extension]; ok {
		return "inline", contentType
	}
	if extension == ".svg" {
		// An <img> shows it, running no script, and needs the type for that.
		return "attachment", "image/svg+xml"
	}
	return "attachment", "application/octet-stream"
}
