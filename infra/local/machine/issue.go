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

// Issue asks the issuer, at its address and signed as any application would,
// for an object's link.
func (m *Machine) Issue(ctx context.Context, object string) (string, error) {
	body, err := json.Marshal(map[string]any{"objects": []string{object}})
	if err != nil {
		return "", err
	}
	issuer, _ := m.Outputs["issuerUrl"].(string)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuer+"links", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, Local, req, hex.EncodeToString(sum[:]), "lambda", m.o.Region, time.Now()); err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var out struct {
		Links []struct {
			URL   string
			Error *struct{ Message string }
		}
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(data, &out) != nil || len(out.Links) != 1 || out.Links[0].URL == "" {
		return "", fmt.Errorf("the issuer answered %d: %s", resp.StatusCode, bytes.TrimSpace(data))
	}
	return out.Links[0].URL, nil
}
