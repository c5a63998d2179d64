package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

const (
	// tries bounds how often one call is made; firstWait doubles each time.
	tries     = 5
	firstWait = 200 * time.Millisecond

	// callTimeout is the issuer's own, and some for the way.
	callTimeout = 35 * time.Second
	maxAnswer   = 8 << 20
)

// client calls the issuer.
type client struct {
	base        string // without a trailing slash
	region      string
	credentials aws.CredentialsProvider
	http        *http.Client
	now         func() time.Time
	pause       func(ctx context.Context, d time.Duration) error
}

// connect returns a client for the stack whose outputs are in the file.
func connect(ctx context.Context, path string) (*client, error) {
	o, err := readOutputs(path)
	if err != nil {
		return nil, err
	}
	c := &client{
		base: strings.TrimSuffix(o.IssuerURL, "/"), region: o.region(),
		http: &http.Client{Timeout: callTimeout}, now: time.Now, pause: issue.Sleep,
	}
	if o.local() {
		// The local stack knows these only. Credentials of a real account would
		// be refused, and are none of its business.
		c.credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "locallocal"}, nil
		})
		return c, nil
	}
	if c.region == "" {
		return nil, errors.New("the stack's outputs tell no region: neither issuerUrl nor mediaBucketRegion has one")
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(c.region))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	c.credentials = cfg.Credentials
	return c, nil
}

// call makes one call of the API and returns its answer, whatever the status.
// It tries again what may succeed later: the API's calls may all be repeated.
// The error is that the issuer could not be reached or refused us.
func call[Answer any](ctx context.Context, c *client, method, path string, body any) (*Answer, error) {
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
		again := err != nil && !errors.As(err, new(refused)) || status == http.StatusTooManyRequests || status >= 500 || unfinished(answer)
		if !again || try == tries || ctx.Err() != nil {
			return answer, err
		}
		wait := firstWait << (try - 1)
		if err := c.pause(ctx, wait/2+rand.N(wait/2)); err != nil {
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

// refused says that trying again would not help.
type refused struct{ error }

func (c *client) try(ctx context.Context, method, path string, payload []byte, answer any) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		return 0, refused{err}
	}
	if payload != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return 0, refused{fmt.Errorf("no AWS credentials: %w", err)}
	}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hashHex(payload), "lambda", c.region, c.now()); err != nil {
		return 0, refused{fmt.Errorf("signing the call: %w", err)}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("the issuer cannot be reached: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return response.StatusCode, fmt.Errorf("reading the issuer's answer: %w", err)
	}
	if response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized {
		return response.StatusCode, refused{fmt.Errorf("the issuer refuses us (%d %s): are the credentials right, and is their principal among issuerPrincipals?", response.StatusCode, message(raw))}
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return response.StatusCode, fmt.Errorf("the issuer answered %d, which is not its API's", response.StatusCode)
	}
	return response.StatusCode, nil
}

// hashHex is the form of a payload's hash that signatures use.
func hashHex(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

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
