package console

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

const (
	// fetchTimeout bounds a fetch through the CDN.
	fetchTimeout = 20 * time.Second
	// maxFetched bounds what a fetch reads.
	maxFetched = 256 << 20
)

// problem is an answer of the issuer that says what went wrong.
func problem(p *api.Problem) error {
	if p == nil {
		return nil
	}
	return errors.New(p.Message)
}

func (c *Console) object(key string) string {
	return mapping.Object{Bucket: c.outputs.Bucket, Key: key}.String()
}

// serveIssue asks the issuer for a link of {"key"} that lives {"ttlSeconds"}.
func (c *Console) serveIssue(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key        string `json:"key"`
		TTLSeconds int64  `json:"ttlSeconds"` // 0 for the longest
	}
	if !readJSON(w, r, &in) {
		return
	}
	if in.TTLSeconds < 0 || in.TTLSeconds > c.outputs.LinkTTL {
		fail(w, http.StatusBadRequest, "a link lives for 1 to "+strconv.FormatInt(c.outputs.LinkTTL, 10)+" seconds")
		return
	}
	links, err := c.options.Issuer.Issue(r.Context(), []string{c.object(in.Key)},
		issue.Terms{TTL: time.Duration(in.TTLSeconds) * time.Second})
	if err == nil && len(links) != 1 {
		err = errors.New("the issuer did not answer for the one object that it was asked for")
	}
	if err == nil {
		err = problem(links[0].Error)
	}
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"hash": links[0].Hash, "expiresAt": links[0].ExpiresAt})
}

// serveRevoke takes back the link {"hash"} of {"key"}, or all of the key's if no hash is given.
func (c *Console) serveRevoke(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key  string `json:"key"`
		Hash string `json:"hash"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	objects, hashes := []string{c.object(in.Key)}, []string(nil)
	if in.Hash != "" {
		objects, hashes = nil, []string{in.Hash}
	}
	revocations, err := c.options.Issuer.Revoke(r.Context(), objects, hashes)
	if err == nil && len(revocations) != 1 {
		err = errors.New("the issuer did not answer for what it was asked to revoke")
	}
	if err == nil {
		err = problem(revocations[0].Error)
	}
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"revoked": len(revocations[0].Revoked)})
}

// fetched is what a viewer got.
type fetched struct {
	Status       int     `json:"status"`
	XCache       string  `json:"xCache"`
	Age          string  `json:"age,omitempty"`
	CacheControl string  `json:"cacheControl,omitempty"`
	Bytes        int64   `json:"bytes"`
	Milliseconds float64 `json:"milliseconds"`
}

// serveFetch fetches a link through the CDN as a viewer without a cache of its own would: {"hash"}, or {"key"} of a
// public picture. It takes no address, so it reaches nothing but the CDN.
func (c *Console) serveFetch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key  string `json:"key"`
		Hash string `json:"hash"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	address := c.outputs.BaseURL + publicPath(in.Key)
	switch {
	case in.Hash != "" && !seal.IsHash(in.Hash):
		fail(w, http.StatusBadRequest, "this is not the form of a hash")
		return
	case in.Hash != "":
		address = c.linkURL(in.Hash)
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, nil)
	if err != nil {
		fail(w, http.StatusBadRequest, "the key makes no address")
		return
	}
	// As browsers ask, since CloudFront keeps a copy for each encoding it may have to send:
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
	request.Header.Set("Accept-Encoding", "gzip, deflate, br")
	began := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		fail(w, http.StatusBadGateway, "the CDN did not answer")
		return
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxFetched))
	if err != nil {
		fail(w, http.StatusBadGateway, "the CDN broke off its answer")
		return
	}
	reply(w, http.StatusOK, fetched{
		Status: response.StatusCode, XCache: cmp.Or(response.Header.Get("X-Cache"), "no X-Cache"),
		Age:          response.Header.Get("Age"),
		CacheControl: response.Header.Get("Cache-Control"), Bytes: n, Milliseconds: milliseconds(time.Since(began)),
	})
}
