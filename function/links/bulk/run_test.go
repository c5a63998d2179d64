package bulk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/issue"
	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/issue/client"
)

// issuer gives every object one link, as the real one does, and counts how often it is asked for each.
type issuer struct {
	mu    sync.Mutex
	asked map[string]int
	calls int
	fail  func(call int, objects []string) ([]api.Link, error) // answers instead, if it returns anything
}

func (i *issuer) issue(_ context.Context, objects []string) ([]api.Link, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if i.fail != nil {
		if links, err := i.fail(i.calls, objects); links != nil || err != nil {
			return links, err
		}
	}
	if i.asked == nil {
		i.asked = map[string]int{}
	}
	var links []api.Link
	for n, object := range objects {
		i.asked[object]++
		link := linkOf(object)
		if link.Error != nil {
			link.Error.Field = fmt.Sprintf("objects[%d]", n) // a place in this call, which no result has
		}
		links = append(links, link)
	}
	return links, nil
}

func linkOf(object string) api.Link {
	if strings.HasSuffix(object, "7") {
		return api.Link{Object: object, Error: &api.Problem{Code: issue.CodeObjectNotFound, Message: "no\nobject"}}
	}
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return api.Link{Object: object, URL: "https://cdn.example/images/" + object[len("s3://media/"):], Hash: "h", ExpiresAt: &at}
}

// many is an input of n keys, the odd one malformed.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		switch i % 31 {
		case 5:
			fmt.Fprintf(&b, "\xff%d\n", i)
		case 6:
			fmt.Fprintln(&b)
		default:
			fmt.Fprintf(&b, "chat/%d, \"ü\" %d\n", i, i)
		}
	}
	return b.String()
}

// do runs a job over the input into the file.
func do(ctx context.Context, text, file string, csv bool, i *issuer) (*Count, error) {
	in, err := NewReader(Input{Reader: strings.NewReader(text), Format: Lines, Bucket: "media"})
	if err != nil {
		return nil, err
	}
	out, err := OpenOutput(file, csv, nil)
	if err != nil {
		return nil, err
	}
	count := new(Count)
	job := Job{Input: in, Output: out, Issue: i.issue, Parallel: 4, Count: count, Wait: time.Millisecond}
	return count, errors.Join(job.Run(ctx), out.Close())
}

func forms(t *testing.T, test func(t *testing.T, csv bool)) {
	for name, csv := range map[string]bool{"NDJSON": false, "CSV": true} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, csv) })
	}
}

func TestEachLineBecomesOneInOrder(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, csv bool) {
		file, i := filepath.Join(t.TempDir(), "out"), &issuer{}
		count, err := do(t.Context(), many(1000), file, csv, i)
		require.NoError(t, err)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		got := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		form := NewOutput(nil, csv, nil).form
		if csv {
			require.Equal(t, form.header(), string(got[0])+"\n")
			got = got[1:]
		}
		in, err := NewReader(Input{Reader: strings.NewReader(many(1000)), Format: Lines, Bucket: "media"})
		require.NoError(t, err)
		for _, line := range got {
			r, ok := form.decode(string(line))
			require.True(t, ok, string(line))
			record, err := in.Next()
			require.NoError(t, err)
			want := unnamed(record)
			if record.Problem == "" {
				want = Result{Line: record.Line, Link: linkOf(record.Object)}
			}
			require.Equal(t, want, r)
		}
		assert.EqualValues(t, len(got), count.Done())
		assert.Equal(t, 10, i.calls, "in calls of a hundred")
	})
}

// TestARunThatWasKilledAtWhateverByteGoesOn tries every length that the file may have then.
func TestARunThatWasKilledAtWhateverByteGoesOn(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, csv bool) {
		input := many(9)
		file := filepath.Join(t.TempDir(), "out")
		_, err := do(t.Context(), input, file, csv, &issuer{})
		require.NoError(t, err)
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		for n := range whole {
			require.NoError(t, os.WriteFile(file, whole[:n], 0o600))
			i := &issuer{}
			count, err := do(t.Context(), input, file, csv, i)
			require.NoError(t, err, "%d bytes: %q", n, whole[:n])
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(whole), string(got), "after %d bytes", n)
			kept := bytes.Count(whole[:n], []byte("\n"))
			if csv && kept > 0 {
				kept--
			}
			require.EqualValues(t, kept, count.Earlier.Load(), "a whole line is never asked for again")
			for object, times := range i.asked {
				require.Equal(t, 1, times)
				written, _, _ := strings.Cut(object[len("s3://media/"):], ",")
				require.NotContains(t, string(whole[:bytes.LastIndexByte(whole[:n], '\n')+1]), written+",")
			}
		}
	})
}

// TestARunThatIsInterruptedTwice, each time somewhere else, ends with the same file.
func TestARunThatIsInterruptedTwice(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, csv bool) {
		input, dir := many(3000), t.TempDir()
		_, err := do(t.Context(), input, filepath.Join(dir, "whole"), csv, &issuer{})
		require.NoError(t, err)
		whole, _ := os.ReadFile(filepath.Join(dir, "whole"))
		file := filepath.Join(dir, "out")
		for range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			stop := 3 + rand.IntN(6)
			_, err := do(ctx, input, file, csv, &issuer{fail: func(call int, _ []string) ([]api.Link, error) {
				if call == stop {
					cancel()
				}
				return nil, nil
			}})
			require.ErrorIs(t, err, context.Canceled)
		}
		count, err := do(t.Context(), input, file, csv, &issuer{})
		require.NoError(t, err)
		assert.Positive(t, count.Earlier.Load())
		got, _ := os.ReadFile(file)
		assert.Equal(t, string(whole), string(got))
	})
}

func TestAFileOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	forms(t, func(t *testing.T, csv bool) {
		file := filepath.Join(t.TempDir(), "out")
		_, err := do(t.Context(), "a\nb\nc\n", file, csv, &issuer{})
		require.NoError(t, err)
		ours, err := os.ReadFile(file)
		require.NoError(t, err)
		for name, tt := range map[string]struct{ input, file, say string }{
			"the input has changed":         {"a\nx\nc\n", string(ours), "has changed or is another one"},
			"a line has come before":        {"\na\nb\nc\n", string(ours), "has changed or is another one"},
			"the input has lost a line":     {"a\nc\n", string(ours), "has changed or is another one"},
			"the input is shorter":          {"a\nb\n", string(ours), "more lines than this input"},
			"a letter":                      {"a\n", "Dear Sir,\nhello\n", "does not write"},
			"a letter in one line":          {"a\n", "Dear Sir, hello", "does not write"},
			"a letter behind our own lines": {"a\nb\nc\nd\n", string(ours) + "Dear Sir", "does not write"},
			"the other form":                {"a\nb\nc\n", otherForm(t, !csv), "does not write"},
		} {
			require.NoError(t, os.WriteFile(file, []byte(tt.file), 0o600))
			i := &issuer{}
			_, err := do(t.Context(), tt.input, file, csv, i)
			assert.ErrorContains(t, err, tt.say, name)
			var wrong FileError
			assert.ErrorAs(t, err, &wrong)
			assert.Zero(t, i.calls, name)
			got, _ := os.ReadFile(file)
			assert.Equal(t, tt.file, string(got), name)
		}
	})
}

func otherForm(t *testing.T, csv bool) string {
	file := filepath.Join(t.TempDir(), "other")
	_, err := do(t.Context(), "a\nb\nc\n", file, csv, &issuer{})
	require.NoError(t, err)
	text, _ := os.ReadFile(file)
	return string(text)
}

func TestAnInputThatHasGrownGoesOn(t *testing.T) {
	t.Parallel()
	file, i := filepath.Join(t.TempDir(), "out"), &issuer{}
	_, err := do(t.Context(), "a\nb\n", file, false, i)
	require.NoError(t, err)
	count, err := do(t.Context(), "a\nb\nc\n", file, false, i)
	require.NoError(t, err)
	assert.EqualValues(t, 2, count.Earlier.Load())
	assert.Equal(t, map[string]int{"s3://media/a": 1, "s3://media/b": 1, "s3://media/c": 1}, i.asked)
}

func TestTwoRunsDoNotMixInOneFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out")
	_, err := do(t.Context(), many(1000), file, false, &issuer{fail: func(call int, _ []string) ([]api.Link, error) {
		if call == 5 {
			other, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			_, _ = other.WriteString("{}\n")
			require.NoError(t, other.Close())
		}
		return nil, nil
	}})
	assert.ErrorContains(t, err, "written by somebody else")
}

var errDown = &client.Error{Problem: api.Problem{Code: issue.CodeUnavailable, Message: "down"}}

func TestABusyIssuerIsWaitedFor(t *testing.T) {
	t.Parallel()
	busy := &api.Problem{Code: issue.CodeBusy, Message: "busy"}
	for name, fail := range map[string]func(call int, objects []string) ([]api.Link, error){
		"refused whole":     func(call int, _ []string) ([]api.Link, error) { return nil, onCalls(call < 9, errDown) },
		"cannot be reached": func(call int, _ []string) ([]api.Link, error) { return nil, onCalls(call < 9, errors.New("no route")) },
		"busy for some objects": func(call int, objects []string) ([]api.Link, error) {
			if call > 3*(patience+5) {
				return nil, nil
			}
			var links []api.Link
			for n, object := range objects {
				link := linkOf(object)
				if n > 0 {
					link = api.Link{Object: object, Error: busy}
				}
				links = append(links, link)
			}
			return links, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, i := filepath.Join(t.TempDir(), "out"), &issuer{fail: fail}
			count, err := do(t.Context(), many(300), file, false, i)
			require.NoError(t, err)
			assert.EqualValues(t, 290, count.Done())
			for object, times := range i.asked {
				assert.LessOrEqual(t, times, 1, object)
			}
			text, _ := os.ReadFile(file)
			assert.NotContains(t, string(text), "busy")
		})
	}
}

func onCalls(which bool, err error) error {
	if which {
		return err
	}
	return nil
}

func TestWhatStopsARunLeavesWhatIsRight(t *testing.T) {
	t.Parallel()
	forbidden := &client.Error{Problem: api.Problem{Code: issue.CodeForbidden, Message: "not you"}}
	for name, tt := range map[string]struct {
		fail  func(objects []string) ([]api.Link, error)
		say   string
		calls int // to the failing objects
	}{
		"a refusal":                 {func([]string) ([]api.Link, error) { return nil, forbidden }, "not you", 1},
		"an issuer that stays down": {func([]string) ([]api.Link, error) { return nil, errDown }, "down", patience + 1},
		"an issuer that stays busy": {func(objects []string) ([]api.Link, error) {
			var links []api.Link
			for _, o := range objects {
				links = append(links, api.Link{Object: o, Error: &errDown.Problem})
			}
			return links, nil
		}, "stays too busy: down", patience + 1},
		"links in another order": {func(objects []string) ([]api.Link, error) {
			return append([]api.Link{linkOf(objects[1]), linkOf(objects[0])}, links(objects[2:])...), nil
		}, "for other objects", 1},
		"too few links": {func(objects []string) ([]api.Link, error) { return links(objects[1:]), nil }, "for other objects", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, failed := filepath.Join(t.TempDir(), "out"), 0
			i := &issuer{fail: func(_ int, objects []string) ([]api.Link, error) {
				if !strings.Contains(objects[0], "chat/310,") { // the third batch does
					return nil, nil
				}
				failed++
				return tt.fail(objects)
			}}
			var lines strings.Builder
			for n := range 1000 {
				fmt.Fprintf(&lines, "chat/%d,\n", n+110)
			}
			in, err := NewReader(Input{Reader: strings.NewReader(lines.String()), Format: Lines, Bucket: "media"})
			require.NoError(t, err)
			out, err := OpenOutput(file, false, nil)
			require.NoError(t, err)
			job := Job{Input: in, Output: out, Issue: i.issue, Parallel: 4, Count: new(Count), Wait: time.Microsecond}
			require.ErrorContains(t, job.Run(t.Context()), tt.say)
			require.NoError(t, out.Close())
			assert.Equal(t, tt.calls, failed)
			text, _ := os.ReadFile(file)
			assert.Equal(t, 200, bytes.Count(text, []byte("\n")))
		})
	}
}

func links(objects []string) (all []api.Link) {
	for _, o := range objects {
		all = append(all, linkOf(o))
	}
	return all
}

func TestProblemsAreWrittenOnceMoreAndCanBeAnInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(file string, ctx context.Context, i *issuer) (string, error) {
		var problems bytes.Buffer
		in, err := NewReader(Input{Reader: strings.NewReader(many(500)), Format: Lines, Bucket: "media"})
		require.NoError(t, err)
		out, err := OpenOutput(filepath.Join(dir, file), true, &problems)
		require.NoError(t, err)
		defer out.Close()
		err = Job{Input: in, Output: out, Issue: i.issue, Parallel: 2, Count: new(Count), Wait: 1}.Run(ctx)
		return problems.String(), err
	}
	whole, err := run("whole", t.Context(), &issuer{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = run("parts", ctx, &issuer{fail: func(call int, _ []string) ([]api.Link, error) {
		if call == 4 {
			cancel()
		}
		return nil, nil
	}})
	require.Error(t, err)
	parts, err := run("parts", t.Context(), &issuer{})
	require.NoError(t, err)
	assert.Equal(t, whole, parts)

	got, err := readAll(t, Input{Format: NDJSON, Reader: strings.NewReader(whole)})
	require.NoError(t, err)
	named := 0
	for _, record := range got {
		if strings.Contains(record, " s3://media/chat/") {
			named++
		} else {
			assert.Contains(t, record, `no text in the field "object"`)
		}
	}
	assert.Equal(t, strings.Count(whole, issue.CodeObjectNotFound), named)
	assert.Equal(t, strings.Count(whole, CodeBadLine), len(got)-named)
	assert.Positive(t, named)
}
