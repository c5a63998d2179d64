package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Link is what the issuer gives for an object.
type Link struct {
	URL       string
	ExpiresAt time.Time // zero for a public object, whose address never ends
}

// Ask asks a local issuer, at its address and signed as any application would,
// for an object's link. 0 seconds is the usual life.
func Ask(ctx context.Context, issuer, region, object string, seconds int) (Link, error) {
	in := map[string]any{"objects": []string{object}}
	if seconds > 0 {
		in["ttlSeconds"] = seconds
	}
	var out struct{ Links []Link }
	data, err := call(ctx, http.MethodPost, issuer+"links", region, in, &out)
	if err != nil {
		return Link{}, err
	}
	if len(out.Links) != 1 || out.Links[0].URL == "" {
		return Link{}, fmt.Errorf("the issuer gave no link: %s", data)
	}
	return out.Links[0], nil
}

// Revoke has a local issuer revoke one hash.
func Revoke(ctx context.Context, issuer, region, hash string) error {
	_, err := call(ctx, http.MethodDelete, issuer+"links/"+hash, region, nil, nil)
	return err
}

// call makes one signed call and returns what was answered.
func call(ctx context.Context, method, url, region string, in, out any) ([]byte, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, Local, req, hex.EncodeToString(sum[:]), "lambda", region, time.Now()); err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSpace(data)
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("the issuer answered %d: %s", resp.StatusCode, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			return nil, fmt.Errorf("the issuer answered something else than JSON: %w", err)
		}
	}
	return data, nil
}
