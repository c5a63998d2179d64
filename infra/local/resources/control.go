package resources

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"secure-media-cdn/infra/plan"
)

const (
	controlEndpoint = "AWS_ENDPOINT_URL_CLOUDFRONT"
	storeEndpoint   = "AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE"
	eventsPath      = "/s3-events"
	globalRegion    = "us-east-1"
)

// startControl serves, at one address, what the issuer calls besides the table
// and the bucket: CloudFront's invalidations and its key value store. It knows
// the calls that are made and refuses others.
func (m *Stack) startControl(context.Context) error {
	c := &control{m: m, references: map[string][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2020-05-31/distribution/{id}/invalidation", c.invalidate)
	mux.HandleFunc("POST "+eventsPath, m.objectChanged)
	mux.HandleFunc("/key-value-stores/", func(w http.ResponseWriter, r *http.Request) { m.gate.serve(w, r) })
	// Only what this run starts is told the prefix: the S3 server signs no events, and the store's calls are signed with
	// Signature Version 4A, which nothing here checks.
	prefix := "/" + rand.Text()
	url, err := m.Serve(http.StripPrefix(prefix, mux))
	if err != nil {
		return err
	}
	url += prefix
	for _, name := range []string{controlEndpoint, storeEndpoint} {
		m.Endpoints[name] = url
	}
	return nil
}

type control struct {
	m          *Stack
	mu         sync.Mutex
	references map[string][]string // the paths of each invalidation
}

// invalidate creates an invalidation, which is complete at once. The same
// reference with the same paths creates none.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
func (c *control) invalidate(w http.ResponseWriter, r *http.Request) {
	var batch struct {
		CallerReference string
		Paths           struct {
			Quantity int
			Items    struct{ Path []string }
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	switch {
	case err != nil || xml.Unmarshal(body, &batch) != nil || batch.Paths.Quantity != len(batch.Paths.Items.Path):
		refuseXML(w, http.StatusBadRequest, "InvalidArgument")
		return
	case verify(r, body, Local, "cloudfront", globalRegion, time.Now()) != nil:
		refuseXML(w, http.StatusForbidden, "AccessDenied")
		return
	case !slices.ContainsFunc(c.m.o.Document.ByType(typeDistribution),
		func(d plan.Resource) bool { return d.ID == r.PathValue("id") }):
		refuseXML(w, http.StatusNotFound, "NoSuchDistribution")
		return
	}
	c.mu.Lock()
	before, repeated := c.references[batch.CallerReference]
	if !repeated {
		c.references[batch.CallerReference] = batch.Paths.Items.Path
	}
	c.mu.Unlock()
	if repeated && !slices.Equal(before, batch.Paths.Items.Path) {
		refuseXML(w, http.StatusBadRequest, "InvalidationBatchAlreadyExists")
		return
	}
	if err := c.m.Distribution.Invalidate(batch.Paths.Items.Path); err != nil {
		refuseXML(w, http.StatusBadRequest, "InvalidArgument")
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w,
		`<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>ILOCAL</Id><Status>Completed</Status></`+
			`Invalidation>`)
}

func refuseXML(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w,
		`<ErrorResponse `+
			`xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type><Code>%s</Code></Error></`+
			`ErrorResponse>`, code)
}
