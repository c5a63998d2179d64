package links

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/client"
	"secure-media-cdn/function/links/bulk"
)

// many are the flags of a run over many objects.
type many struct {
	From     string `help:"Read the objects from this file instead, gzipped or not." placeholder:"FILE" type:"path"`
	Format   string `help:"${formatHelp}" enum:"lines,ndjson,csv,inventory" default:"lines"`
	Column   string `help:"Field or column that names the object." default:"${column}" placeholder:"NAME"`
	Header   string `help:"Columns of a CSV without a header, or an inventory's fileSchema." placeholder:"A,B,C"`
	To       string `help:"${toHelp}" placeholder:"FILE" type:"path"`
	CSV      bool   `name:"csv" help:"Write CSV instead of one JSON object a line."`
	Problems string `help:"Write the lines without a link here, too, for a next run." placeholder:"FILE" type:"path"`
	Parallel int    `help:"Calls at once, of 100 objects each." default:"8"`
}

const (
	maxParallel = 64
	// progressEvery is how often a run says how far it is.
	progressEvery = 10 * time.Second
)

// check refuses arguments that contradict each other.
func (m many) check(objects []string) error {
	unset := many{Format: "lines", Column: bulk.DefaultColumn, Parallel: 8}
	switch {
	case len(objects) > 1 && slices.Contains(objects, "-"):
		return usageError{errors.New("- stands alone: put all objects on standard input")}
	case len(objects) == 0 && m.From == "":
		return usageError{errors.New("name objects, or - for standard input, or a file with --from")}
	case len(objects) > 0 && m.From != "":
		return usageError{errors.New("name objects or a file with --from, not both")}
	case len(objects) > 0 && objects[0] != "-" && m != unset:
		return usageError{errors.New("the flags for many objects are for objects from - or --from")}
	case m.Parallel < 1 || m.Parallel > maxParallel:
		return usageError{fmt.Errorf("--parallel is 1 to %d", maxParallel)}
	}
	return nil
}

// run issues links to all objects of the input, bound to the audience.
func (m many) run(ctx context.Context, s *session, audience string,
	issue func(context.Context, []string) ([]api.Link, error)) error {
	source, size, err := m.open(s)
	if err != nil {
		return usageError{err}
	}
	defer source.Close()
	counted := &counter{Reader: source}
	in, err := bulk.NewReader(bulk.Input{Reader: counted, Format: bulk.Format(m.Format), Column: m.Column,
		Header: m.header(), Bucket: s.stack.MediaBucket})
	if err != nil {
		return usageError{err}
	}
	out, end, err := m.output(s)
	if err != nil {
		return usageError{err}
	}
	p := &progress{terminal: s.terminal, read: counted, size: size, started: time.Now()}
	stop := p.every(progressEvery)
	err = bulk.Job{Input: in, Output: out, Issue: issue, Audience: audience,
		Parallel: m.Parallel, Count: &p.count, Wait: time.Second}.Run(ctx)
	stop()
	err = errors.Join(err, end())
	p.summary()
	var refused *client.Error
	var wrong bulk.FileError
	switch {
	case errors.As(err, &refused):
		return s.wrong(err)
	case errors.As(err, &wrong): // the same command would end here again
		return usageError{err}
	case err != nil && m.To != "":
		return fmt.Errorf("%w. %s is right as far as it goes: the same command goes on behind it", plain(err), m.To)
	case err != nil:
		return plain(err)
	case p.count.Done() == 0:
		return usageError{errors.New("the input names nothing: nothing to do")}
	case p.count.Failed.Load() > 0:
		return errFailed
	}
	return nil
}

// plain says what ended a run.
func plain(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// open opens the input and tells its size in bytes, 0 if nobody knows.
func (m many) open(s *session) (io.ReadCloser, int64, error) {
	if m.From == "" {
		return io.NopCloser(s.terminal.in), 0, nil
	}
	file, err := os.Open(m.From)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, 0, err
	}
	return file, info.Size(), nil
}

// output opens where results go, and returns what ends it.
func (m many) output(s *session) (*bulk.Output, func() error, error) {
	var problems io.Writer
	end := func() error { return nil }
	if m.Problems != "" {
		if m.Problems == m.To || m.Problems == m.From {
			return nil, nil, errors.New("--problems needs a file of its own")
		}
		// It is written anew: an earlier run's problems are in its output.
		file, err := os.OpenFile(m.Problems, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, nil, err
		}
		buffered := bufio.NewWriter(file)
		problems, end = buffered, func() error { return errors.Join(buffered.Flush(), file.Close()) }
	}
	if m.To == "" {
		return bulk.NewOutput(s.terminal.out, m.CSV, problems), end, nil
	}
	if m.To == m.From {
		return nil, nil, errors.New("--to needs another file than --from")
	}
	out, err := bulk.OpenOutput(m.To, m.CSV, problems)
	if err != nil {
		return nil, nil, err
	}
	return out, func() error { return errors.Join(out.Close(), end()) }, nil
}

// header is the list of columns, as a manifest's fileSchema writes it or without spaces.
func (m many) header() []string {
	if m.Header == "" {
		return nil
	}
	columns := strings.Split(m.Header, ",")
	for n := range columns {
		columns[n] = strings.TrimSpace(columns[n])
	}
	return columns
}
