package resources

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxSkew is how far a caller's clock may be off.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const maxSkew = 5 * time.Minute

const algorithm = "AWS4-HMAC-SHA256 "

// verify checks that the request was signed, body and all, with the key for the service in the region: it signs what
// the caller says to have signed, and compares.
func verify(r *http.Request, body []byte, key aws.Credentials, service, region string, now time.Time) error {
	sent := r.Header.Get("Authorization")
	fields, ok := strings.CutPrefix(sent, algorithm)
	if !ok {
		return errors.New("the request is not signed with Signature Version 4")
	}
	var signed []string
	for field := range strings.SplitSeq(fields, ",") {
		field = strings.TrimSpace(field)
		if names, ok := strings.CutPrefix(field, "SignedHeaders="); ok {
			signed = strings.Split(names, ";")
		}
		if scope := strings.Split(field, "/"); region == "" && strings.HasPrefix(field, "Credential=") && len(scope) == 5 {
			region = scope[2]
		}
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("the request has no X-Amz-Date")
	}
	if at.Sub(now).Abs() > maxSkew {
		return errors.New("the signature's time is more than five minutes off")
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.RequestURI, nil)
	if err != nil {
		return err
	}
	for _, name := range signed {
		switch name {
		case "host":
		case "content-length":
			// The signer takes it from the request itself, if there is a body.
			again.ContentLength, again.Body = int64(len(body)), io.NopCloser(strings.NewReader(string(body)))
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), key, again, hex.EncodeToString(sum[:]), service,
		region, at); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(again.Header.Get("Authorization")), []byte(sent)) != 1 {
		return errors.New("the signature does not match: sign for the service " + service + " in " + region +
			" with the local key")
	}
	return nil
}
