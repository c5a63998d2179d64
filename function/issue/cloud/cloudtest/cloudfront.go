package cloudtest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// CloudFront takes invalidations.
type CloudFront struct {
	// Invalidations are those created, in their order, each with a reference of
	// its own: the same request again creates none.
	Invalidations []Invalidation
	// MaxPaths and MaxWildcards are how many paths may be in progress; none ever
	// ends. 0 is the real limit.
	MaxPaths, MaxWildcards int
}

// Invalidation is one that was created.
type Invalidation struct {
	Distribution string
	Reference    string
	Paths        []string
}

// Covers reports whether one of the invalidations covers the path.
func (c *CloudFront) Covers(path string) bool {
	return slices.ContainsFunc(c.Invalidations, func(i Invalidation) bool {
		return slices.ContainsFunc(i.Paths, func(p string) bool {
			prefix, wild := strings.CutSuffix(p, "*")
			return p == path || wild && strings.HasPrefix(path, prefix)
		})
	})
}

func (c *CloudFront) serve(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/2020-05-31/distribution/")
	distribution, ok2 := strings.CutSuffix(rest, "/invalidation")
	var batch struct {
		CallerReference string
		Paths           struct {
			Quantity int
			Items    struct{ Path []string }
		}
	}
	if !ok || !ok2 || r.Method != http.MethodPost || xml.NewDecoder(r.Body).Decode(&batch) != nil ||
		batch.Paths.Quantity != len(batch.Paths.Items.Path) {
		c.refuse(w, "InvalidArgument")
		return
	}
	made := Invalidation{distribution, batch.CallerReference, batch.Paths.Items.Path}
	if n := slices.IndexFunc(c.Invalidations, func(i Invalidation) bool { return i.Reference == made.Reference }); n >= 0 {
		if !slices.Equal(c.Invalidations[n].Paths, made.Paths) {
			c.refuse(w, "InvalidationBatchAlreadyExists")
			return
		}
	} else if c.full(made) {
		c.refuse(w, "TooManyInvalidationsInProgress")
		return
	} else {
		c.Invalidations = append(c.Invalidations, made)
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w,
		`<Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Id>I1</Id><Status>InProgress</Status></`+
			`Invalidation>`)
}

func (c *CloudFront) full(next Invalidation) bool {
	paths, wildcards := 0, 0
	for _, i := range append(slices.Clone(c.Invalidations), next) {
		for _, p := range i.Paths {
			if strings.HasSuffix(p, "*") {
				wildcards++
			} else {
				paths++
			}
		}
	}
	if wild := strings.HasSuffix(next.Paths[0], "*"); wild {
		return wildcards > orElse(c.MaxWildcards, 15)
	}
	return paths > orElse(c.MaxPaths, 3000)
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (c *CloudFront) refuse(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w,
		`<ErrorResponse `+
			`xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type><Code>%s</Code></Error></`+
			`ErrorResponse>`, code)
}
