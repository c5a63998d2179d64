package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
)

// accepts are what browsers say that show the formats up to the best one that is named.
var accepts = map[variant.Format]string{
	variant.AVIF: "image/avif,image/webp,image/*,*/*;q=0.8", variant.WebP: "image/webp,image/*,*/*;q=0.8",
	variant.Plain: "image/*,*/*;q=0.8",
}

// headerFetched holds, as JSON, what serveView tells beside the picture.
const headerFetched = "X-Fetched"

// fetched is what a viewer got.
type fetched struct {
	Status       int     `json:"status"`
	XCache       string  `json:"xCache"`
	Age          string  `json:"age,omitempty"`
	CacheControl string  `json:"cacheControl,omitempty"`
	Type         string  `json:"type,omitempty"`
	Bytes        int     `json:"bytes"`
	Milliseconds float64 `json:"milliseconds"`
}

// ask fetches a path through the CDN, as a viewer without a cache of its own would. It takes no address, so it
// reaches nothing but the CDN.
func (c *Console) ask(r *http.Request, path, accept, ticket string) (fetched, []byte, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, c.outputs.BaseURL+path, nil)
	if err != nil {
		return fetched{}, nil, errors.New("the key makes no address")
	}
	// As browsers ask, since CloudFront keeps a copy for each encoding it may have to send:
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cache-key-understand-cache-policy.html
	request.Header.Set("Accept-Encoding", "gzip, deflate, br")
	request.Header.Set("Accept", accept)
	carry(request, ticket)
	began := time.Now()
	response, err := c.client.Do(request)
	if err != nil {
		return fetched{}, nil, errors.New("the CDN did not answer")
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxFetched))
	if err != nil {
		return fetched{}, nil, errors.New("the CDN broke off its answer")
	}
	h := response.Header
	f := fetched{Status: response.StatusCode, XCache: h.Get("X-Cache"), Age: h.Get("Age"), Type: h.Get("Content-Type"),
		CacheControl: h.Get("Cache-Control"), Bytes: len(body), Milliseconds: milliseconds(time.Since(began))}
	if f.XCache == "" {
		f.XCache = "no X-Cache"
	}
	return f, body, nil
}

// serveFetch fetches a link, {"hash"}, or {"key"} of a public picture, with a viewer's {"ticket"} if there is one, and
// tells what came.
func (c *Console) serveFetch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Key    string `json:"key"`
		Hash   string `json:"hash"`
		Ticket string `json:"ticket"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	path := publicPath(in.Key)
	if in.Hash != "" {
		path = seal.LinkPath(in.Hash)
		if !seal.IsHash(in.Hash) {
			fail(w, http.StatusBadRequest, "this is not the form of a hash")
			return
		}
	}
	f, _, err := c.ask(r, path, accepts[variant.AVIF], in.Ticket)
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	reply(w, http.StatusOK, f)
}

// serveView shows a link, {"hash"}, or a variant {"name"} of it, as a browser gets it whose best format is {"format"},
// with a viewer's {"ticket"} if there is one.
// What came is told in a header; only a picture is passed on.
func (c *Console) serveView(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Hash   string         `json:"hash"`
		Name   string         `json:"name"`
		Format variant.Format `json:"format"`
		Ticket string         `json:"ticket"`
	}
	if !readJSON(w, r, &in) {
		return
	}
	path := seal.LinkPath(in.Hash)
	if in.Name != "" {
		path = seal.VariantPath(in.Hash, in.Name)
	}
	accept, known := accepts[in.Format]
	if _, _, ok := seal.ParsePath(path); !ok || !known {
		fail(w, http.StatusBadRequest, "this names no link, variant or format")
		return
	}
	f, body, err := c.ask(r, path, accept, in.Ticket)
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	facts, err := json.Marshal(f)
	if err != nil { // such a struct always encodes
		panic(err)
	}
	h := w.Header()
	h.Set(headerFetched, string(facts))
	kind := pictureType(body[:min(len(body), sniffed)])
	if kind == "" || f.Status != http.StatusOK {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Content-Type", kind)
	_, _ = io.Copy(w, bytes.NewReader(body)) // a browser that went away is no error
}

// shownVariants are the stack's, narrow ones first.
func (c *Console) shownVariants() []shownVariant {
	all := []shownVariant{}
	for name, v := range c.outputs.Variants {
		all = append(all, shownVariant{name, v.String(), v.Width})
	}
	slices.SortFunc(all, func(a, b shownVariant) int {
		if a.width != b.width {
			return a.width - b.width
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

type shownVariant struct {
	Name       string `json:"name"`
	Definition string `json:"definition"`
	width      int
}
