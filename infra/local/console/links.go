package console

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/mapping"
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

// serveIssue asks the issuer for a link of {"key"} that lives {"ttlSeconds"}, bound to an {"audience"} if any is given.
func (c *Console) serveIssue(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key        string `json:"key"`
		TTLSeconds int64  `json:"ttlSeconds"` // 0 for the longest
		Audience   string `json:"audience"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	if in.TTLSeconds < 0 || in.TTLSeconds > c.outputs.LinkTTL {
		fail(w, http.StatusBadRequest, "a link lives for 1 to "+strconv.FormatInt(c.outputs.LinkTTL, 10)+" seconds")
		return
	}
	links, err := c.options.Issuer.Issue(r.Context(), []string{c.object(in.Key)},
		issue.Terms{TTL: time.Duration(in.TTLSeconds) * time.Second, Audience: in.Audience})
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
