// Package gate holds the CloudFront Functions: gate.js stands before every private
// link, public.js before the objects of public services, and headers.js behind
// both. Package seal names what the first reads, package mapping the paths that
// the second lets through; their tests run them in package cloudfrontjs.
package gate

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"secure-media-cdn/function/variant"
)

// Carrier is a way in which a viewer's ticket may travel.
type Carrier string

const (
	// Bearer is the Authorization header, for applications.
	Bearer Carrier = "bearer"
	// Query is the parameter [seal.TicketQuery], for players and image loaders that
	// can set no header.
	Query Carrier = "query"
	// Cookie is [seal.TicketCookie], for browsers.
	Cookie Carrier = "cookie"
)

// Valid reports whether c is one of the carriers above.
func (c Carrier) Valid() bool { return c == Bearer || c == Query || c == Cookie }

// Settings are what a stack decides about its gate. They are a part of the code
// that it ships, so no request reads them.
type Settings struct {
	// Variants are the names that may follow a hash, beside [seal.Download].
	Variants []string
	// Formats are those that variants come in, the best one first. What a viewer
	// names none of comes in variant.Plain, which is not among them.
	Formats []variant.Format
	// Carriers are those in which tickets may come.
	Carriers []Carrier
}

//go:embed gate.js
var gateCode string

//go:embed headers.js
var headersCode string

// Public is the code of the public objects' function, for the runtime
// cloudfront-js-2.0.
//
//go:embed public.js
var Public string

// The lines that stand in the sources for what a stack decides.
const (
	settingsLine = "return { variants: [], formats: [], bearer: false, query: false, cookie: false };"
	secondsLine  = "const viewerCacheSeconds = 0;"
)

// comments are the lines that are nothing else. They stay here: with them the
// gate would be larger than CloudFront's 10 KB.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
var comments = regexp.MustCompile(`(?m)^ *//.*\n`)

// written are settings as gate.js reads them.
type written struct {
	Variants []string `json:"variants"`
	Formats  []string `json:"formats"`
	Bearer   bool     `json:"bearer"`
	Query    bool     `json:"query"`
	Cookie   bool     `json:"cookie"`
}

// Source is the code of the private links' function, for the same runtime, without
// comments. The order of variants and carriers, and any that is there twice, makes no
// difference to it. It returns an error that lists everything that is wrong with
// the settings.
func Source(s Settings) (string, error) {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	w := written{Variants: []string{}, Formats: []string{}}
	for _, name := range s.Variants {
		if err := variant.CheckName(name); err != nil {
			wrong("the variant %w", err)
		}
		w.Variants = append(w.Variants, "/"+name)
	}
	slices.Sort(w.Variants)
	w.Variants = slices.Compact(w.Variants)
	if n := len(w.Variants); n > variant.MaxVariants {
		wrong("the gate takes at most %d variants, not %d", variant.MaxVariants, n)
	}
	for _, format := range s.Formats {
		accept := format.Accept()
		if !format.Valid() || format == variant.Plain || slices.Contains(w.Formats, accept) {
			wrong("%q is no format, or there twice", format)
		}
		w.Formats = append(w.Formats, accept)
	}
	for _, carrier := range s.Carriers {
		if !carrier.Valid() {
			wrong("%q is no carrier of tickets", carrier)
		}
		w.Bearer = w.Bearer || carrier == Bearer
		w.Query = w.Query || carrier == Query
		w.Cookie = w.Cookie || carrier == Cookie
	}
	constant, err := json.Marshal(w)
	if err != nil {
		problems = append(problems, err)
	}
	code := strings.Replace(comments.ReplaceAllString(gateCode, ""), settingsLine, "return "+string(constant)+";", 1)
	if err := errors.Join(problems...); err != nil {
		return "", err
	}
	return code, nil
}

// Headers is the code of the function that takes S3's own headers out of answers
// and has browsers keep those of bound links for at most viewerCacheSeconds, for
// the same runtime.
func Headers(viewerCacheSeconds int) string {
	line := fmt.Sprintf("const viewerCacheSeconds = %d;", viewerCacheSeconds)
	return strings.Replace(headersCode, secondsLine, line, 1)
}
