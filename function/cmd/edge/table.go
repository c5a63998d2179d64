package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// table is the mapping table in one region. It makes the one call that the
// edge needs, with the SDK's signer but without its DynamoDB client: the
// client's middleware, built anew for each call, costs 0.17 ms of processor
// time, more than signing, sending and reading together (BenchmarkLookup), and
// a tenth of the zip. The signature, the item's types and the errors' names are
// what the SDK makes them; TestATableReadsWhatTheSDKReads holds the two against
// each other on a real engine.
type table struct {
	name        string
	region      string
	endpoint    url.URL
	credentials aws.Credentials
	clock       *clock
	client      http.RoundTripper
	signer      *v4.Signer
}

// newTable returns the named table in a region. An empty endpoint, as it is on
// AWS, means the region's own.
// https://docs.aws.amazon.com/general/latest/gr/ddb.html
func newTable(name, region, endpoint string, credentials aws.Credentials, clock *clock) *table {
	u := &url.URL{Scheme: "https", Host: "dynamodb." + region + ".amazonaws.com"}
	if own, err := url.Parse(endpoint); err == nil && own.Host != "" {
		u = own
	}
	u.Path = "/" // as the signature has it
	return &table{
		name: name, region: region, endpoint: *u, credentials: credentials, clock: clock,
		client: transport, signer: v4.NewSigner(),
	}
}

// maxAnswer bounds what is read of an answer: an item has at most 400 KB, and
// JSON may double it.
const maxAnswer = 1 << 20

// Get implements mapping.Getter with a GetItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
func (t *table) Get(ctx context.Context, hash string) (map[string]types.AttributeValue, error) {
	req, err := t.request(ctx, hash)
	if err != nil {
		return nil, err
	}
	resp, err := t.client.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading DynamoDB's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		t.clock.correct(resp.Header.Get("Date"))
		return nil, refusal(resp.StatusCode, body)
	}
	return decode(body)
}

// request returns the signed call. It may be sent again on a new connection if
// the kept one turns out to be dead, which a POST may not by itself: reading
// twice is harmless, and a connection that the other side closed while Lambda
// had the process frozen is noticed only by using it.
// https://github.com/aws/aws-sdk-js-v3/issues/1196
func (t *table) request(ctx context.Context, hash string) (*http.Request, error) {
	type attribute struct{ S string }
	body, err := json.Marshal(struct {
		TableName      string
		ConsistentRead bool
		Key            map[string]attribute
	}{t.name, true, map[string]attribute{"hash": {hash}}})
	if err != nil {
		return nil, err
	}
	endpoint := t.endpoint // signing writes to it
	content := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &endpoint,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Target": {"DynamoDB_20120810.GetItem"},
			"User-Agent":   {"secure-media-cdn"},
		},
		ContentLength: int64(len(body)),
		GetBody:       content,
	}).WithContext(ctx)
	req.Body, _ = content()
	sum := sha256.Sum256(body)
	if err := t.signer.SignHTTP(ctx, t.credentials, req, hex.EncodeToString(sum[:]), "dynamodb", t.region, t.clock.now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	req.Header["X-Idempotency-Key"] = nil // says "harmless to repeat" to net/http, and is not sent
	return req, nil
}

// decode returns the item of an answer, nil if it has none. Attributes of types
// that a mapping does not have are there, but without a value.
func decode(body []byte) (map[string]types.AttributeValue, error) {
	var answer struct {
		Item map[string]struct{ S, N *string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("reading DynamoDB's answer: %w", err)
	}
	if answer.Item == nil {
		return nil, nil
	}
	item := make(map[string]types.AttributeValue, len(answer.Item))
	for name, value := range answer.Item {
		switch {
		case value.S != nil:
			item[name] = &types.AttributeValueMemberS{Value: *value.S}
		case value.N != nil:
			item[name] = &types.AttributeValueMemberN{Value: *value.N}
		default:
			item[name] = nil
		}
	}
	return item, nil
}

// refusal is DynamoDB's error in its own words, if it had any.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func refusal(status int, body []byte) error {
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return fmt.Errorf("DynamoDB answered %d", status)
	}
	return fmt.Errorf("DynamoDB answered %d: %s: %s", status, e.Type[strings.LastIndexByte(e.Type, '#')+1:], e.Message)
}

// clock is the time that requests are signed with: the process's own, put right
// by the servers' if it is so wrong that they refuse it.
type clock struct {
	read func() time.Time
	off  atomic.Int64 // nanoseconds
}

func (c *clock) now() time.Time { return c.read().Add(time.Duration(c.off.Load())) }

// correct sets the clock by the Date of an answer that refused a request. What
// the answer took on its way is of no account: DynamoDB accepts five minutes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
func (c *clock) correct(date string) {
	if server, err := http.ParseTime(date); err == nil {
		c.off.Store(int64(server.Sub(c.read())))
	}
}
