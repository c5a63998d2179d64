package bulk

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxRowLines and maxRow, in bytes, bound how far a quoted field may run over lines. A quote that is never closed
// would take in the rest of the input otherwise.
const (
	maxRowLines = 64
	maxRow      = 64 << 10
)

// openCSV reads the header, if the input has one.
func (r *Reader) openCSV() error {
	r.header = r.in.Header
	if r.header == nil {
		for r.header == nil {
			row, record, err := r.row()
			if errors.Is(err, io.EOF) {
				return errors.New("the input has no header: give the columns' names with --header")
			}
			if err != nil {
				return err
			}
			if record.Problem != "" {
				return fmt.Errorf("line %d, the header: %s", record.Line, record.Problem)
			}
			r.header = row
		}
	}
	if r.column = slices.Index(r.header, r.in.Column); r.column < 0 {
		return fmt.Errorf("the input has no column %q but %s: choose one with --column",
			r.in.Column, strings.Join(r.header, ", "))
	}
	r.rows = func(row []string) (string, string, bool) {
		if row[r.column] == "" {
			return "", fmt.Sprintf("the column %q is empty", r.in.Column), true
		}
		return row[r.column], "", true
	}
	return nil
}

func (r *Reader) nextRow() (Record, bool, error) {
	row, record, err := r.row()
	switch {
	case err != nil:
		return Record{}, false, err
	case record.Problem != "":
		return record, true, nil
	case row == nil:
		return Record{}, false, nil
	// An inventory may have more columns than were named, always the same ones in front.
	case len(row) < len(r.header) || len(row) > len(r.header) && (r.in.Format == CSV || r.in.Header != nil):
		record.Problem = fmt.Sprintf("the row has %d columns, not %d", len(row), len(r.header))
		return record, true, nil
	}
	var found bool
	record.Object, record.Problem, found = r.rows(row)
	return record, found, nil
}

// row reads one row, which is nil for an empty line. Of a row that is malformed only the first line is taken, so that
// a lone quote loses no other row.
func (r *Reader) row() ([]string, Record, error) {
	first, err := r.lines.next()
	if err != nil || first.text == "" {
		return nil, Record{}, err
	}
	record := Record{Line: first.number, Text: first.text}
	text, taken, quotes := first.text, []line{}, strings.Count(first.text, `"`)
	for quotes%2 == 1 && len(taken) < maxRowLines && len(text) < maxRow {
		next, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, Record{}, err
		}
		taken = append(taken, next)
		text += "\n" + next.text
		quotes += strings.Count(next.text, `"`)
	}
	row, problem := parseRow(text)
	switch {
	case first.long:
		problem = tooLong
	case !utf8.ValidString(text):
		problem = notUTF8
	}
	if problem != "" {
		r.lines.putBack(taken)
		record.Problem = problem
		return nil, record, nil
	}
	return row, record, nil
}

func parseRow(text string) (row []string, problem string) {
	in := csv.NewReader(strings.NewReader(text))
	row, err := in.Read()
	var wrong *csv.ParseError
	if errors.As(err, &wrong) {
		return nil, "the row is not CSV: " + wrong.Err.Error()
	}
	if _, rest := in.Read(); err != nil || !errors.Is(rest, io.EOF) {
		return nil, "the row is not CSV"
	}
	return row, ""
}
