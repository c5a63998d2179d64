// Package conformance reads and runs request/expectation scripts: one file per rule of CloudFront, against the local
// server or a real distribution.
//
// A script begins with comments that name the rule and its sources, one https address a line with perhaps a heading
// of that page after it, and goes on in steps, each with indented fields:
//
//	# rule: s-maxage decides at CloudFront, whatever max-age says
//	# source: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
//	local-only
//	object /public/a.txt 2000
//	  Cache-Control: max-age=10, s-maxage=60
//	GET /public/a.txt
//	  Accept-Encoding: gzip
//	-> 200
//	  X-Cache: Miss from cloudfront
//	  Age: -
//	wait 30s
//
// A request is a method and a path, with headers and perhaps a "body"; "over http" after it stands for plain HTTP,
// "together N" before it sends it N times at once. The arrow holds the status and what else must be so: a field is a
// header, or "body". Its value is the whole value, "-" for absent, "~" and a regular expression, or "keep NAME" to have
// it as $NAME later. "one FIELD" must hold for just one of the answers sent together, "others FIELD" for all the rest.
// A body may also be "N bytes", "same as NAME" or "bytes A-B of NAME".
//
// "wait" lets time pass. All other steps are the target's own; a script that needs them to set the scene says
// local-only. One that needs more than a live link says so: "needs variant", the name of one as $variant, or "needs
// ticket", for a bound link, as $ticket.
package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Script is one file.
type Script struct {
	Name    string // of its file, without .txt
	Rule    string
	Sources []string // addresses, each perhaps with a heading behind it
	// LocalOnly says that the script needs more than a deployed stack and a live link: its own objects, functions or
	// settings.
	LocalOnly bool
	// Needs is variant, ticket, or nothing.
	Needs string
	Steps []Step
}

// What a script may need.
const (
	needsVariant = "variant"
	needsTicket  = "ticket"
)

// Step is one line that is not indented, with the fields below it.
type Step struct {
	Line   int
	Verb   string
	Args   string // the rest of the line
	Fields []Field
}

// Field is one indented line.
type Field struct{ Name, Value string }

// Parse reads a script. It must name its rule, and its sources by address.
func Parse(r io.Reader) (Script, error) {
	var s Script
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), " \t")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "":
		case strings.HasPrefix(trimmed, "#"):
			comment := strings.TrimSpace(strings.TrimPrefix(trimmed, "#"))
			if rule, ok := strings.CutPrefix(comment, "rule:"); ok {
				s.Rule = strings.TrimSpace(rule)
			}
			if source, ok := strings.CutPrefix(comment, "source:"); ok {
				source = strings.TrimSpace(source)
				address, _, _ := strings.Cut(source, " ")
				if u, err := url.Parse(address); err != nil || u.Scheme != "https" || !strings.Contains(u.Host, ".") {
					return s, fmt.Errorf("line %d: the source %q must begin with an https address that a reader can open", n, source)
				}
				s.Sources = append(s.Sources, source)
			}
		case trimmed == "local-only":
			s.LocalOnly = true
		case trimmed == "needs "+needsVariant, trimmed == "needs "+needsTicket:
			_, s.Needs, _ = strings.Cut(trimmed, " ")
		case line != trimmed:
			name, value, ok := strings.Cut(trimmed, ": ")
			if !ok || len(s.Steps) == 0 {
				return s, fmt.Errorf("line %d: an indented line must read \"name: value\" below a step", n)
			}
			last := &s.Steps[len(s.Steps)-1]
			last.Fields = append(last.Fields, Field{name, strings.TrimSpace(value)})
		default:
			verb, args, _ := strings.Cut(trimmed, " ")
			s.Steps = append(s.Steps, Step{Line: n, Verb: verb, Args: strings.TrimSpace(args)})
		}
	}
	if err := lines.Err(); err != nil {
		return s, err
	}
	if s.Rule == "" || len(s.Sources) == 0 {
		return s, errors.New("the script must name its rule and its source")
	}
	return s, nil
}
