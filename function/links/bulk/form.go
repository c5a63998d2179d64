package bulk

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"secure-media-cdn/function/issue/api"
	"secure-media-cdn/function/links/visible"
)

// CodeBadLine is the code of a line that names no object.
const CodeBadLine = "bad_line"

// Result is one line of the output: what became of one line of the input. A link's download and variants are left
// out: their addresses are the link's, with a slash and a name behind it.
type Result struct {
	Line int64 `json:"line"` // of the input, from 1
	api.Link
	Text string `json:"text,omitempty"` // of the input, if it names no object
}

// unnamed returns the result for a record that names no object.
func unnamed(r Record) Result {
	return Result{Line: r.Line, Text: r.Text, Link: api.Link{Error: &api.Problem{Code: CodeBadLine, Message: r.Problem}}}
}

// form is how results are written, each in a line of its own, and read back.
type form interface {
	header() string         // the first line, or empty
	encode(r Result) string // with the line's end
	decode(line string) (r Result, ok bool)
	start(line string) bool // may a line begin like this
}

// jsonForm writes one JSON object a line.
type jsonForm struct{}

func (jsonForm) header() string { return "" }

func (jsonForm) encode(r Result) string { return visible.JSON(r) + "\n" }

func (jsonForm) decode(line string) (r Result, ok bool) {
	return r, json.Unmarshal([]byte(line), &r) == nil && r.Line > 0
}

func (jsonForm) start(line string) bool { return alike(line, `{"line":`) }

// csvForm writes rows. What cannot be seen is quoted as a Go string, so that a row is one line, and so is what a
// spreadsheet would take for a formula: lines of the input may be texts of strangers.
// https://owasp.org/www-community/attacks/CSV_Injection
type csvForm struct{}

var csvColumns = []string{"line", DefaultColumn, "url", "hash", "expiresAt", "service", "audience", "error", "message",
	"text"}

func (csvForm) header() string { return csvLine(csvColumns) }

func (csvForm) encode(r Result) string {
	row := []string{strconv.FormatInt(r.Line, 10), cell(r.Object), r.URL, r.Hash, "", r.Service, r.Audience, "", "",
		cell(r.Text)}
	if r.ExpiresAt != nil {
		row[4] = r.ExpiresAt.Format(time.RFC3339)
	}
	if r.Error != nil {
		row[7], row[8] = cell(r.Error.Code), cell(r.Error.Message)
	}
	return csvLine(row)
}

func cell(text string) string {
	if text != "" && strings.Contains("=+-@", text[:1]) {
		return strconv.Quote(text)
	}
	return visible.Quote(text)
}

func (csvForm) decode(line string) (r Result, ok bool) {
	row, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil || len(row) != len(csvColumns) || slices.Equal(row, csvColumns) {
		return Result{}, false
	}
	for n, text := range row {
		if strings.HasPrefix(text, `"`) {
			if row[n], err = strconv.Unquote(text); err != nil {
				return Result{}, false
			}
		}
	}
	r = Result{Text: row[9], Link: api.Link{Object: row[1], URL: row[2], Hash: row[3], Service: row[5], Audience: row[6]}}
	if r.Line, err = strconv.ParseInt(row[0], 10, 64); err != nil {
		return Result{}, false
	}
	if row[4] != "" {
		at, err := time.Parse(time.RFC3339, row[4])
		if err != nil {
			return Result{}, false
		}
		r.ExpiresAt = &at
	}
	if row[7] != "" {
		r.Error = &api.Problem{Code: row[7], Message: row[8]}
	}
	return r, true
}

func (csvForm) start(line string) bool { return line == "" || '0' <= line[0] && line[0] <= '9' }

func csvLine(row []string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(row) // into memory
	w.Flush()
	return b.String()
}

// alike reports whether the texts agree as far as both go.
func alike(a, b string) bool {
	n := min(len(a), len(b))
	return a[:n] == b[:n]
}
