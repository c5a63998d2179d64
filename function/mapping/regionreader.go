package mapping

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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// RegionReader reads the table of one region for the edge. It makes one call,
// GetItem, with the SDK's signer but without the SDK's client: building that
// client's middleware for each call takes 0.17 ms of processor time, more than
// signing, sending and reading together (BenchmarkLookup in function/cmd/edge),
// and it is a tenth of the zip. The issuer, which writes, uses [Table].
type RegionReader struct {
	name        string
	region      string
	endpoint    url.URL
	credentials aws.Credentials
	clock       *clock
	signer      *v4.Signer
}

// newRegionReader returns a reader of the named table in a region. Without an
// endpoint it asks the region's own.
// https://docs.aws.amazon.com/general/latest/gr/ddb.html
func newRegionReader(name, region, endpoint string, credentials aws.Credentials, clock *clock) *RegionReader {
	u := &url.URL{Scheme: "https", Host: "dynamodb." + region + ".amazonaws.com"}
	if own, err := url.Parse(endpoint); err == nil && own.Host != "" {
		u = own
	}
	u.Path = "/" // as it is signed
	return &RegionReader{
		name: name, region: region, endpoint: *u,
		credentials: credentials, clock: clock, signer: v4.NewSigner(),
	}
}

// Source says which table a [Reader] reads, and from where.
type Source struct {
	Table string
	// Regions hold the table: the home region first, then its replicas.
	Regions []string
	// Here is the region that the reader runs in.
	Here        string
	Credentials aws.Credentials
	// Endpoint is a DynamoDB server to ask instead of each region's own, as on a
	// developer's machine. On AWS it is empty.
	Endpoint string
}

// NewReader returns a Reader that asks the source's regions, the nearest to Here
// first. failed is told of each region that is put on hold; see Reader.Failed.
func NewReader(s Source, failed func(region string, why error)) *Reader {
	r := &Reader{Home: s.Regions[0], Budget: DefaultBudget, Now: time.Now, Failed: failed}
	signing := &clock{read: time.Now}
	for _, region := range Nearest(s.Here, s.Regions) {
		table := newRegionReader(s.Table, region, s.Endpoint, s.Credentials, signing)
		r.Replicas = append(r.Replicas, Replica{Region: region, Table: table})
	}
	return r
}

// maxAnswer bounds what is read of an answer: an item has at most 400 KB, and
// JSON may double that.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxAnswer = 1 << 20

// Get implements [Getter] with a GetItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
func (r *RegionReader) Get(ctx context.Context, hash string) (map[string]types.AttributeValue, error) {
	req, err := r.request(ctx, hash)
	if err != nil {
		return nil, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading DynamoDB's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		r.clock.correct(resp.Header.Get("Date"))
		return nil, refusal(resp.StatusCode, body)
	}
	return decode(body)
}

// request returns the signed call. net/http may repeat it on a new connection,
// which it does not do for a POST by default: reading twice is harmless, and a
// connection that the other side closed while Lambda had the process frozen is
// noticed only when it is used.
// https://github.com/aws/aws-sdk-js-v3/issues/1196
func (r *RegionReader) request(ctx context.Context, hash string) (*http.Request, error) {
	type attribute struct{ S string }
	body, err := json.Marshal(struct {
		TableName      string
		ConsistentRead bool
		Key            map[string]attribute
	}{r.name, true, map[string]attribute{AttrHash: {hash}}})
	if err != nil {
		return nil, err
	}
	endpoint := r.endpoint // signing writes to it
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
	bodyHash := hex.EncodeToString(sum[:])
	if err := r.signer.SignHTTP(ctx, r.credentials, req, bodyHash, "dynamodb", r.region, r.clock.now()); err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	req.Header["X-Idempotency-Key"] = nil // tells net/http that repeating is harmless; it is not sent
	return req, nil
}

// decode returns the item of an answer, nil if it has none. An attribute of a
// type that no mapping has is there, but without a value.
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

// refusal is DynamoDB's error in its own words, if the answer has any.
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
