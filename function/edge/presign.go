package edge

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
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
// which the signature carries.
func (p *Presigner) Sign(
	ctx context.Context, method string, object mapping.Object, region, overrides string, life time.Duration,
) (string, error) {
	host, uri := "https://"+object.Bucket+".s3."+region+".amazonaws.com", object.S3Path()
	if p.Endpoint != "" {
		host, uri = p.Endpoint, "/"+object.Bucket+uri
	}
	query := "?X-Amz-Expires=" + strconv.FormatInt(int64(life/time.Second), 10)
	if overrides != "" {
		query += "&" + overrides
	}
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
