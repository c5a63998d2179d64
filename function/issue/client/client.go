// Package client calls a stack's issuer: what an application written in Go needs
// to hand out links. It knows of the stack what its outputs tell, and is allowed
// what the credentials' principal is, which must be among issuerPrincipals.
package client

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
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

const (
	// tries bounds how often one call is made; firstWait doubles each time.
	tries     = 5
	firstWait = 200 * time.Millisecond

	// callTimeout is the issuer's own, and some for the way.
	callTimeout = 35 * time.Second
	// maxAnswer is above Lambda's largest answer, 6 MB.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxAnswer = 8 << 20
)

// Client calls the issuer at its Function URL. Each call is signed with SigV4,
// and made again if it may succeed later: all of them may be repeated. It is
// safe for concurrent use.
type Client struct {
	// URL is the output issuerUrl, Region the one in it: that of the stack.
	URL, Region string
	// Credentials are asked before each try, as SDKs do; config.LoadDefaultConfig
	// has those of the standard chain.
	Credentials aws.CredentialsProvider
	// HTTP sends the calls; nil is a client that waits for each as long as the
	// issuer may take.
	HTTP *http.Client
}

// Error is the issuer's refusal of a whole call. Other errors mean that it could
// not be asked.
type Error struct{ api.Problem }

// Error says which part of the call was wrong, if one was, and how.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Issue asks for links to up to issue.MaxObjects objects, as s3://bucket/key. It
// returns a link or a problem for each, in order. ttl is the life of new links
// in whole seconds, 0 for the longest there is. Asking again returns the same
// links for as long as the stack's renewBeforeSeconds allows.
func (c *Client) Issue(ctx context.Context, objects []string, ttl time.Duration) ([]api.Link, error) {
	answer, err := call[api.IssueAnswer](ctx, c, http.MethodPost, api.LinksPath, api.IssueRequest{Objects: objects, TTLSeconds: int64(ttl / time.Second)})
	if err != nil {
		return nil, fmt.Errorf("issuing: %w", err)
	}
	if answer.Links == nil {
		return nil, refusal(answer.Error)
	}
	return answer.Links, nil
}

// Show tells what the link with the hash stands for. One that never was, or was
// forgotten, is an Error.
func (c *Client) Show(ctx context.Context, hash string) (*api.Shown, error) {
	answer, err := call[struct {
		api.Shown
		Error *api.Problem `json:"error"`
	}](ctx, c, http.MethodGet, api.LinksPath+"/"+url.PathEscape(hash), nil)
	if err != nil {
		return nil, fmt.Errorf("showing: %w", err)
	}
	if answer.Hash == "" {
		return nil, refusal(answer.Error)
	}
	return &answer.Shown, nil
}

// Revoke takes back all links of the objects, and those with the hashes: up to
// issue.MaxObjects in all. It returns what became of each, objects first. A public
// object has no links; naming it after it was deleted takes its copies out of
// CloudFront's caches.
func (c *Client) Revoke(ctx context.Context, objects, hashes []string) ([]api.Revocation, error) {
	answer, err := call[api.RevokeAnswer](ctx, c, http.MethodPost, api.RevocationsPath, api.RevokeRequest{Objects: objects, Hashes: hashes})
	if err != nil {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	if answer.Revocations == nil {
		return nil, refusal(answer.Error)
	}
	return answer.Revocations, nil
}

func refusal(p *api.Problem) error {
	if p == nil {
		return errors.New("the issuer's answer is empty")
	}
	return &Error{*p}
}

// call makes one call of the API and returns its answer, whatever the status.
// The error is that the issuer could not be reached or refused us.
func call[Answer any](ctx context.Context, c *Client, method, path string, body any) (*Answer, error) {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		answer := new(Answer) // a used one would keep what the new one lacks
		status, err := c.try(ctx, method, path, payload, answer)
		again := err != nil && !errors.As(err, new(final)) || status == http.StatusTooManyRequests || status >= 500 || unfinished(answer)
		if !again || try == tries || ctx.Err() != nil {
			return answer, err
		}
		wait := firstWait << (try - 1)
		if err := issue.Sleep(ctx, wait/2+rand.N(wait/2)); err != nil {
			return answer, err
		}
	}
}

// unfinished reports whether some of the links may be had by asking again.
func unfinished(answer any) bool {
	a, ok := answer.(*api.IssueAnswer)
	return ok && slices.ContainsFunc(a.Links, func(l api.Link) bool {
		return l.Error != nil && (l.Error.Code == issue.CodeBusy || l.Error.Code == issue.CodeUnavailable)
	})
}

// final says that trying again would not help.
type final struct{ error }

func (c *Client) try(ctx context.Context, method, path string, payload []byte, answer any) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(payload))
	if err != nil {
		return 0, final{err}
	}
	if payload != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	credentials, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return 0, final{fmt.Errorf("no AWS credentials: %w", err)}
	}
	sum := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "lambda", c.Region, time.Now()); err != nil {
		return 0, final{fmt.Errorf("signing the call: %w", err)}
	}
	response, err := cmp.Or(c.HTTP, patient).Do(request)
	if err != nil {
		return 0, fmt.Errorf("the issuer cannot be reached: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return response.StatusCode, fmt.Errorf("reading the issuer's answer: %w", err)
	}
	if response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized {
		return response.StatusCode, final{fmt.Errorf("the issuer refuses us (%d %s): are the credentials right, and is their principal among issuerPrincipals?", response.StatusCode, message(raw))}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return response.StatusCode, fmt.Errorf("the issuer answered %d, which is not its API's", response.StatusCode)
	}
	return response.StatusCode, nil
}

var patient = &http.Client{Timeout: callTimeout}

// message returns what an answer says in words: ours, or Lambda's own.
func message(raw []byte) string {
	var answer struct {
		Message string
		Error   api.Problem
	}
	if json.Unmarshal(raw, &answer) != nil {
		return "without a reason"
	}
	return answer.Message + answer.Error.Message
}
