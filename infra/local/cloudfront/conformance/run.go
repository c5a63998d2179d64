package conformance

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Target is what a script runs against.
type Target interface {
	// Do sends one request; path is raw, and an empty body is none. plain asks for plain HTTP.
	Do(method, path string, header http.Header, body string, plain bool) (*http.Response, error)
	// Step does what is neither a request nor an expectation.
	Step(Step) error
	// Wait lets time pass.
	Wait(time.Duration)
}

var methods = []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"}

type received struct {
	status int
	header http.Header
	body   string
}

type run struct {
	target Target
	vars   map[string]string
	last   []received
}

// Run plays the script. vars are the names that it may use with a dollar sign, such as $photo, the path of a live
// link.
func Run(s Script, target Target, vars map[string]string) error {
	r := &run{target: target, vars: map[string]string{}}
	maps.Copy(r.vars, vars)
	for _, step := range s.Steps {
		if err := r.step(step); err != nil {
			return fmt.Errorf("line %d: %s %s: %w", step.Line, step.Verb, step.Args, err)
		}
	}
	return nil
}

func (r *run) step(s Step) error {
	switch {
	case s.Verb == "wait":
		d, err := time.ParseDuration(s.Args)
		if err != nil {
			return err
		}
		r.target.Wait(d)
		return nil
	case s.Verb == "->":
		return r.expect(s)
	case s.Verb == "together":
		count, rest, _ := strings.Cut(s.Args, " ")
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is not a number of requests", count)
		}
		s.Verb, s.Args, _ = strings.Cut(rest, " ")
		return r.request(s, n)
	case slices.Contains(methods, s.Verb):
		return r.request(s, 1)
	}
	fields := make([]Field, len(s.Fields))
	for i, f := range s.Fields {
		fields[i] = Field{f.Name, r.expand(f.Value)}
	}
	s.Fields = fields
	return r.target.Step(s)
}

func (r *run) request(s Step, n int) error {
	path, plain := strings.CutSuffix(s.Args, " over http")
	header, body := http.Header{}, ""
	for _, f := range s.Fields {
		if f.Name == "body" {
			body = r.expand(f.Value)
			continue
		}
		header.Add(f.Name, r.expand(f.Value))
	}
	r.last = make([]received, n)
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { r.last[i], errs[i] = r.send(s.Verb, r.expand(path), header, body, plain) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (r *run) send(method, path string, header http.Header, body string, plain bool) (received, error) {
	resp, err := r.target.Do(method, path, header.Clone(), body, plain)
	if err != nil {
		return received{}, err
	}
	defer resp.Body.Close()
	answered, err := io.ReadAll(resp.Body)
	return received{resp.StatusCode, resp.Header, string(answered)}, err
}

// expand puts in the values of names; the longest name that fits wins.
func (r *run) expand(s string) string {
	for _, name := range slices.SortedFunc(maps.Keys(r.vars), func(a, b string) int { return len(b) - len(a) }) {
		s = strings.ReplaceAll(s, "$"+name, r.vars[name])
	}
	return s
}

func (r *run) expect(s Step) error {
	if len(r.last) == 0 {
		return fmt.Errorf("there was no request")
	}
	for _, got := range r.last {
		if strconv.Itoa(got.status) != s.Args {
			return fmt.Errorf("the status is %d\n%v\n%.400s", got.status, got.header, got.body)
		}
	}
	for _, f := range s.Fields {
		if err := r.field(f); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) field(f Field) error {
	name, want := f.Name, len(r.last)
	if rest, ok := strings.CutPrefix(name, "one "); ok {
		name, want = rest, 1
	} else if rest, ok := strings.CutPrefix(name, "others "); ok {
		name, want = rest, len(r.last)-1
	}
	holds := 0
	var problem error
	for _, got := range r.last {
		if err := r.check(got, name, f.Value); err != nil {
			problem = err
		} else {
			holds++
		}
	}
	if holds != want {
		if problem == nil {
			return fmt.Errorf("%s: %s holds for %d answers instead of %d", name, f.Value, holds, want)
		}
		return fmt.Errorf("%w (%d of %d answers are right, %d should be)", problem, holds, len(r.last), want)
	}
	return nil
}

func (r *run) check(got received, name, want string) error {
	value, there := strings.Join(got.header.Values(name), ", "), len(got.header.Values(name)) > 0
	if name == "body" {
		value, there = got.body, true
	}
	if keep, ok := strings.CutPrefix(want, "keep "); ok {
		if !there {
			return fmt.Errorf("%s is absent", name)
		}
		r.vars[keep] = value
		return nil
	}
	if name == "body" {
		if done, err := r.checkBody(value, want); done {
			return err
		}
	}
	want = r.expand(want)
	switch pattern, regular := strings.CutPrefix(want, "~"); {
	case want == "-":
		if there {
			return fmt.Errorf("%s is %q, it should be absent", name, value)
		}
	case !there:
		return fmt.Errorf("%s is absent", name)
	case regular:
		re, err := regexp.Compile(strings.TrimSpace(pattern))
		if err != nil {
			return err
		}
		if !re.MatchString(value) {
			return fmt.Errorf("%s is %.400q, it should match %s", name, value, re)
		}
	case value != want:
		return fmt.Errorf("%s is %.400q, it should be %.400q", name, value, want)
	}
	return nil
}

// checkBody knows the forms that only a body has.
func (r *run) checkBody(body, want string) (done bool, err error) {
	if n, ok := strings.CutSuffix(want, " bytes"); ok {
		if strconv.Itoa(len(body)) != n {
			return true, fmt.Errorf("the body has %d bytes, it should have %s", len(body), n)
		}
		return true, nil
	}
	if name, ok := strings.CutPrefix(want, "same as "); ok {
		if body != r.vars[name] {
			return true, fmt.Errorf("the body (%d bytes) is not that of %s (%d bytes)", len(body), name, len(r.vars[name]))
		}
		return true, nil
	}
	var first, last int
	var name string
	if n, _ := fmt.Sscanf(want, "bytes %d-%d of %s", &first, &last, &name); n == 3 {
		whole := r.vars[name]
		if last >= len(whole) || body != whole[first:last+1] {
			return true, fmt.Errorf("the body (%d bytes) is not %s", len(body), want)
		}
		return true, nil
	}
	return false, nil
}
