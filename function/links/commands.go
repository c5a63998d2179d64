package links

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/links/visible"
)

// session is one run of the command.
type session struct {
	stack    *stack
	terminal terminal
	json     bool
	failed   bool
}

type issueCommand struct {
	TTL      life     `help:"Life of new links, such as 90s, 12h or 7d. Default: the longest there is." placeholder:"TIME"`
	Audience string   `help:"${audienceHelp}" placeholder:"NAME"`
	Objects  []string `arg:"" optional:"" help:"Objects as s3://bucket/key; - alone reads many from standard input."`
	Many     many     `embed:"" group:"Many objects, from standard input or a file:"`
}

type showCommand struct {
	Links []string `arg:"" help:"Links, or their hashes; - reads one a line from standard input."`
}

type revokeCommand struct {
	Targets []string `arg:"" help:"${targetsHelp}"`
}

// life is how long a link lives, in whole seconds.
type life int64

// UnmarshalText reads 90, 90s, 12h or 7d.
func (l *life) UnmarshalText(text []byte) error {
	s := string(text)
	d, err := time.ParseDuration(s)
	if days, found := strings.CutSuffix(s, "d"); found {
		var n int64
		n, err = strconv.ParseInt(days, 10, 32)
		d = time.Duration(n) * 24 * time.Hour
	} else if n, e := strconv.ParseInt(s, 10, 32); e == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%q is not a time in whole seconds, such as 90s, 12h or 7d", s)
	}
	*l = life(d / time.Second)
	return nil
}

// Run issues the links, a hundred at a time.
func (c issueCommand) Run(ctx context.Context, s *session) error {
	issueThem := func(ctx context.Context, objects []string) ([]api.Link, error) {
		return s.stack.client.Issue(ctx, objects, issue.Terms{TTL: time.Duration(c.TTL) * time.Second, Audience: c.Audience})
	}
	if err := c.Many.check(c.Objects); err != nil {
		return err
	}
	if len(c.Objects) == 0 || c.Objects[0] == "-" {
		return c.Many.run(ctx, s, c.Audience, issueThem)
	}
	return s.each(c.Objects, issue.MaxObjects, func(part []string) error {
		links, err := issueThem(ctx, part)
		if err != nil {
			return s.wrong(err)
		}
		for _, l := range links {
			columns := []string{l.Object, l.URL}
			if l.ExpiresAt != nil {
				columns = append(columns, l.ExpiresAt.Format(time.RFC3339))
			}
			s.print(l, l.Object, l.Error, columns...)
		}
		return nil
	})
}

// Run shows the links, one call each.
func (c showCommand) Run(ctx context.Context, s *session) error {
	links, err := s.expand(c.Links)
	if err != nil {
		return err
	}
	return s.each(links, 1, func(part []string) error {
		shown, err := s.stack.client.Show(ctx, hashOf(part[0]))
		var refused *client.Error
		switch {
		case errors.As(err, &refused):
			s.print(map[string]any{"hash": hashOf(part[0]), "error": refused.Problem}, part[0], &refused.Problem)
		case err != nil:
			return err
		default:
			s.print(shown, part[0], nil, shown.Hash, shown.State, shown.ExpiresAt.Format(time.RFC3339), shown.Object)
		}
		return nil
	})
}

// Run revokes the targets, a hundred at a time.
func (c revokeCommand) Run(ctx context.Context, s *session) error {
	targets, err := s.expand(c.Targets)
	if err != nil {
		return err
	}
	return s.each(targets, issue.MaxObjects, func(part []string) error {
		var objects, hashes []string
		for _, target := range part {
			if strings.HasPrefix(target, "s3://") {
				objects = append(objects, target)
			} else {
				hashes = append(hashes, hashOf(target))
			}
		}
		revocations, err := s.stack.client.Revoke(ctx, objects, hashes)
		if err != nil {
			return s.wrong(err)
		}
		for _, r := range revocations {
			name := r.Hash
			if name == "" {
				name = r.Object
			}
			outcome := fmt.Sprintf("%d revoked", len(r.Revoked))
			if r.Withdrawn && len(r.Revoked) == 0 { // a public object, which mostly never had a link
				outcome = "withdrawn"
			}
			s.print(r, name, r.Error, name, outcome)
		}
		return nil
	})
}

// hashOf returns the hash of a link; anything without a slash is returned as it is.
func hashOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

// expand replaces "-" by the lines of standard input.
func (s *session) expand(args []string) ([]string, error) {
	n := slices.Index(args, "-")
	if n < 0 {
		return args, nil
	}
	var lines []string
	scanner := bufio.NewScanner(s.terminal.in)
	for scanner.Scan() {
		if line := scanner.Text(); line != "" { // without a carriage return, too
			lines = append(lines, line)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, usageError{fmt.Errorf("reading standard input: %w", err)}
	}
	all := slices.Concat(args[:n], lines, args[n+1:])
	if slices.Contains(all, "-") {
		return nil, usageError{errors.New("standard input can be read once only: write - once")}
	}
	if len(all) == 0 {
		return nil, usageError{errors.New("standard input is empty: nothing to do")}
	}
	return all, checkText(lines)
}

// checkText refuses what is not UTF-8: on its way to the issuer it would become the name of something else.
func checkText(all []string) error {
	for _, text := range all {
		if !utf8.ValidString(text) {
			return usageError{fmt.Errorf("%q is not UTF-8", text)}
		}
	}
	return nil
}

// each does the parts of all in turn.
func (s *session) each(all []string, size int, do func(part []string) error) error {
	done := 0
	for part := range slices.Chunk(all, size) {
		if err := do(part); err != nil && done > 0 {
			return fmt.Errorf("after %d of %d: %w", done, len(all), err)
		} else if err != nil {
			return err
		}
		done += len(part)
	}
	if s.failed {
		return errFailed
	}
	return nil
}

// print prints the result for one item to standard output, and its problem to standard error.
func (s *session) print(line any, name string, problem *api.Problem, columns ...string) {
	if s.json {
		fmt.Fprintln(s.terminal.out, visible.JSON(line))
	}
	if problem != nil {
		s.failed = true
		fmt.Fprintf(s.terminal.err, "links: %s: %s (%s)\n", visible.Quote(name), visible.Quote(problem.Message),
			visible.Quote(problem.Code))
		return
	}
	if !s.json {
		for n, text := range columns {
			columns[n] = visible.Quote(text)
		}
		fmt.Fprintln(s.terminal.out, strings.Join(columns, "\t"))
	}
}

// wrong prints that a whole call was refused, and ends the command: the calls after it would be refused too.
func (s *session) wrong(err error) error {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return err
	}
	s.terminal.tell(fmt.Errorf("%w (%s)", refused, refused.Code))
	return errFailed
}
