package console

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"secure-media-cdn/function/issue/api"
)

// maxIssuerAnswer is the size of Lambda's largest answer.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxIssuerAnswer = 6 << 20

// IssuerClient calls the issuing Lambda at its Function URL, signed with SigV4
// as IAM authorisation wants it.
type IssuerClient struct {
	URL         string // the output issuerUrl
	Region      string
	Credentials aws.CredentialsProvider
	// Client sends the calls; nil is one with the patience that revoking takes.
	Client *http.Client
}

var patientClient = &http.Client{Timeout: time.Minute}

// Issue implements Issuer.
func (i *IssuerClient) Issue(ctx context.Context, objects []string, ttl time.Duration) ([]api.Link, error) {
	var answer api.IssueAnswer
	err := i.post(ctx, api.LinksPath, api.IssueRequest{Objects: objects, TTLSeconds: int64(ttl / time.Second)}, &answer)
	if err != nil && len(answer.Links) == 0 {
		return nil, fmt.Errorf("issuing: %w", err)
	}
	return answer.Links, nil
}

// Revoke implements Issuer.
func (i *IssuerClient) Revoke(ctx context.Context, objects, hashes []string) ([]api.Revocation, error) {
	var answer api.RevokeAnswer
	err := i.post(ctx, api.RevocationsPath, api.RevokeRequest{Objects: objects, Hashes: hashes}, &answer)
	if err != nil && len(answer.Revocations) == 0 {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	return answer.Revocations, nil
}

// post sends one call. An answer with an error status is read, too: it may say
// of each object what is wrong with it.
func (i *IssuerClient) post(ctx context.Context, path string, call, answer any) error {
	body, err := json.Marshal(call)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(i.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	credentials, err := i.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(digest[:]), "lambda", i.Region, time.Now()); err != nil {
		return err
	}
	response, err := cmp.Or(i.Client, patientClient).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxIssuerAnswer))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the issuer answered %s, and not in JSON", response.Status)
	}
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var failure struct{ Error *api.Problem }
	if json.Unmarshal(text, &failure) != nil || failure.Error == nil {
		return fmt.Errorf("the issuer answered %s", response.Status)
	}
	return errors.New(failure.Error.Message)
}
