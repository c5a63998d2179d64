package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"secure-media-cdn/function/mapping"
	"secure-media-cdn/function/seal"
)

const (
	// maxPictures bounds what the page shows; a larger bucket says so.
	maxPictures = 300
	// maxListed bounds the keys read to find the newest; S3 lists by name.
	maxListed = 10_000
)

// picture is one object of the bucket, with its links.
type picture struct {
	Key      string    `json:"key"`
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
	// Version changes with the content; thumbnails are kept by it.
	Version string `json:"version"`
	// Access is private, public, or none for a key below no service.
	Access string `json:"access"`
	Links  []link `json:"links"`
}

// link is one address of a picture.
type link struct {
	Hash      string     `json:"hash,omitempty"` // empty for a public address
	URL       string     `json:"url"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	// State is live or expired; public for an address that is for good.
	State string `json:"state"`
}

// pictures returns the newest objects, and how many there are in all.
func (c *Console) pictures(ctx context.Context) ([]picture, int, error) {
	all := []picture{}
	pages := s3.NewListObjectsV2Paginator(c.options.S3, &s3.ListObjectsV2Input{Bucket: aws.String(c.outputs.Bucket)})
	for pages.HasMorePages() && len(all) < maxListed {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("listing the bucket: %w", err)
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if strings.HasSuffix(key, "/") {
				continue // a folder that a tool made
			}
			all = append(all, picture{
				Key: key, Bytes: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified),
				Version: strings.Trim(aws.ToString(o.ETag), `"`),
				Access:  c.access(key), Links: []link{},
			})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Modified.After(all[j].Modified) })
	shown := all[:min(len(all), maxPictures)]
	if err := c.addLinks(ctx, shown); err != nil {
		return nil, 0, err
	}
	return shown, len(all), nil
}

// access says who may see a key: what the first segment's service says. Without services all is private.
func (c *Console) access(key string) string {
	folder, _, below := strings.Cut(key, "/")
	for _, s := range c.outputs.Services {
		if below && s.Name == folder {
			return s.Access
		}
	}
	if len(c.outputs.Services) == 0 {
		return "private"
	}
	return "none"
}

// addLinks fills in the links of the pictures.
func (c *Console) addLinks(ctx context.Context, pictures []picture) error {
	objects := make([]mapping.Object, len(pictures))
	for n, p := range pictures {
		objects[n] = mapping.Object{Bucket: c.outputs.Bucket, Key: p.Key}
	}
	if len(objects) == 0 {
		return nil
	}
	records, err := c.options.Records.Records(ctx, objects)
	if err != nil {
		return fmt.Errorf("reading the links: %w", err)
	}
	now := c.now()
	for n := range pictures {
		p := &pictures[n]
		if p.Access == "public" {
			p.Links = append(p.Links, link{URL: c.outputs.BaseURL + publicPath(p.Key), State: "public"})
		}
		for hash, expiresAt := range records[n].Hashes {
			l := link{Hash: hash, URL: c.linkURL(hash), ExpiresAt: &expiresAt, State: "live"}
			if !now.Before(expiresAt) {
				l.State = "expired"
			}
			p.Links = append(p.Links, l)
		}
		sort.Slice(p.Links, func(i, j int) bool { return later(p.Links[i], p.Links[j]) })
	}
	return nil
}

// later orders links: addresses for good first, then by expiry.
func later(a, b link) bool {
	switch {
	case a.ExpiresAt == nil || b.ExpiresAt == nil:
		return a.ExpiresAt == nil && b.ExpiresAt != nil
	case a.ExpiresAt.Equal(*b.ExpiresAt):
		return a.Hash < b.Hash
	}
	return a.ExpiresAt.After(*b.ExpiresAt)
}

func (c *Console) linkURL(hash string) string { return c.outputs.BaseURL + seal.LinkPath(hash) }

// publicPath is the path of a public key. S3 takes a plus for a space, so it is escaped, too.
func publicPath(key string) string {
	return strings.ReplaceAll((&url.URL{Path: "/" + key}).EscapedPath(), "+", "%2B")
}

func (c *Console) servePictures(w http.ResponseWriter, r *http.Request) {
	pictures, total, err := c.pictures(r.Context())
	if err != nil {
		fail(w, http.StatusBadGateway, err.Error())
		return
	}
	reply(w, http.StatusOK, map[string]any{"pictures": pictures, "total": total})
}
