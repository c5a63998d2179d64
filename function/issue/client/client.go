// Package client calls a stack's issuer: what an application written in Go needs to hand out links. It knows only the
// stack's outputs. The credentials' principal must be among the stack's issuerPrincipals, which also says for which
// services it may call.
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
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
)

const (
	// tries bounds how often one call is made; firstWait doubles each time.
	tries     = 5
	firstWait = 200 * time.Millisecond

	// callTimeout is the issuer's own timeout of 30 seconds, and some time for the network.
	callTimeout = 35 * time.Second
	// maxAnswer is above Lambda's largest answer, 6 MB.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxAnswer = 8 << 20
)

// Client calls the issuer at its Function URL. Each call is signed with SigV4, and made again if it may succeed later:
// all of them may be repeated. It follows no redirect. It is safe for concurrent use.
type Client struct {
	url         string // without a slash at its end
	region      string
	credentials aws.CredentialsProvider
}

// New returns a client for a deployed stack. issuerURL and region are its outputs issuerUrl and mediaBucketRegion. The
// credentials are asked before each try; those of the standard chain are in config.LoadDefaultConfig. An issuerURL
// that is not a Function URL in the region is an error, so that nobody else is sent a signed call.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
func New(issuerURL, region string, credentials aws.CredentialsProvider) (*Client, error) {
	form := regexp.MustCompile(`^https://[a-z0-9]+\.lambda-url\.` + regexp.QuoteMeta(region) + `\.on\.aws/?$`)
	if region == "" || !form.MatchString(issuerURL) {
		return nil, fmt.Errorf("%q is not the address of an issuer, which is https://<id>.lambda-url.%s.on.aws/",
			issuerURL, cmp.Or(region, "<region>"))
	}
	return &Client{strings.TrimSuffix(issuerURL, "/"), region, credentials}, nil
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
// returns a link or a problem for each, in order. Asking again returns the same
// links for as long as the stack's renewBeforeSeconds allows.
func (c *Client) Issue(ctx context.Context, objects []string, terms issue.Terms) ([]api.Link, error) {
	if err := cmp.Or(checkText("objects", objects), checkText("audience", []string{terms.Audience})); err != nil {
		return nil, err
	}
	request := api.IssueRequest{Objects: objects, TTLSeconds: int64(terms.TTL / time.Second), Audience: terms.Audience}
	answer, err := call[api.IssueAnswer](ctx, c, http.MethodPost, api.LinksPath, request)
	if err != nil {
		return nil, fmt.Errorf("issuing: %w", err)
	}
	if answer.Links == nil {
		return nil, refusal(answer.Error)
	}
	return answer.Links, nil
}

// Show returns what the link with the hash stands for. An unknown one is an Error.
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

// Revoke revokes all links of the objects, and the links with the hashes: up to issue.MaxObjects in all. It returns
// the result for each, objects first. A public object has no links; naming it after it was deleted drops its copies
// from CloudFront's caches.
func (c *Client) Revoke(ctx context.Context, objects, hashes []string) ([]api.Revocation, error) {
	if err := cmp.Or(checkText("objects", objects), checkText("hashes", hashes)); err != nil {
		return nil, err
	}
	request := api.RevokeRequest{Objects: objects, Hashes: hashes}
	answer, err := call[api.RevokeAnswer](ctx, c, http.MethodPost, api.RevocationsPath, request)
	if err != nil {
		return nil, fmt.Errorf("revoking: %w", err)
	}
	if answer.Revocations == nil {
		return nil, refusal(answer.Error)
	}
	return answer.Revocations, nil
}

// Ticket asks for a ticket for a viewer who is a member of the audiences. viewer is whatever the application knows the
// viewer by. ttl is the life of the ticket in whole seconds, 0 for the longest there is.
func (c *Client) Ticket(ctx context.Context, viewer string, audiences []string,
	ttl time.Duration) (*api.Ticket, error) {
	if err := cmp.Or(checkText("audiences", audiences), checkText("viewer", []string{viewer})); err != nil {
		return nil, err
	}
	request := api.TicketRequest{Viewer: viewer, Audiences: audiences, TTLSeconds: int64(ttl / time.Second)}
	answer, err := call[struct {
		api.Ticket
		Error *api.Problem `json:"error"`
	}](ctx, c, http.MethodPost, api.ViewersPath, request)
	if err != nil {
		return nil, fmt.Errorf("asking for a ticket: %w", err)
	}
	if answer.Ticket.Ticket == "" {
		return nil, refusal(answer.Error)
	}
	return &answer.Ticket, nil
}

// EndSession ends the session of a ticket: the gate refuses the ticket within seconds. Ending it again is no error.
func (c *Client) EndSession(ctx context.Context, session string) error {
	answer, err := call[ended](ctx, c, http.MethodDelete, api.ViewersPath+"/"+url.PathEscape(session), nil)
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	if !answer.done {
		return refusal(answer.Error)
	}
	return nil
}

// ended is the answer to the end of a session. The good one has no body.
type ended struct {
	done  bool
	Error *api.Problem `json:"error"`
}

// checkText refuses what JSON cannot hold as it is: it would become the name of something else.
func checkText(field string, values []string) error {
	for n, value := range values {
		if !utf8.ValidString(value) {
			at := fmt.Sprintf("%s[%d]", field, n)
			return &Error{api.Problem{Code: issue.CodeBadRequest, Message: "the text must be UTF-8", Field: at}}
		}
	}
	return nil
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
		again := err != nil && !errors.As(err, new(final)) ||
			status == http.StatusTooManyRequests || status >= 500 || unfinished(answer)
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
		return l.Error != nil && TemporaryCode(l.Error.Code)
	})
}

// final is an error that trying again would not help.
type final struct{ error }

func (c *Client) try(ctx context.Context, method, path string, payload []byte, answer any) (int, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(payload))
	if err != nil {
		return 0, final{err}
	}
	if payload != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return 0, final{fmt.Errorf("no AWS credentials: %w", err)}
	}
	sum := sha256.Sum256(payload)
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "lambda", c.region, time.Now())
	if err != nil {
		return 0, final{fmt.Errorf("signing the call: %w", err)}
	}
	response, err := patient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("the issuer cannot be reached: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return response.StatusCode, fmt.Errorf("reading the issuer's answer: %w", err)
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		return response.StatusCode, final{fmt.Errorf("the issuer answered %d, which is not its API's", response.StatusCode)}
	}
	// The API's own 403 is about services; Lambda's has no code.
	ours := bytes.Contains(raw, []byte(`"code":"`+issue.CodeForbidden+`"`))
	refused := response.StatusCode == http.StatusForbidden && !ours
	if refused || response.StatusCode == http.StatusUnauthorized {
		return response.StatusCode, final{fmt.Errorf("the issuer refuses us (%d %s): "+
			"are the credentials right, and is their principal among issuerPrincipals?", response.StatusCode, message(raw))}
	}
	if e, ok := answer.(*ended); ok && response.StatusCode == http.StatusNoContent {
		e.done = true
		return response.StatusCode, nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return response.StatusCode, fmt.Errorf("the issuer answered %d, which is not its API's", response.StatusCode)
	}
	return response.StatusCode, nil
}

// patient waits for a call as long as the issuer may take. A redirect would send the signed call elsewhere.
var patient = &http.Client{
	Timeout:       callTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
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
