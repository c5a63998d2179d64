package bulk

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"secure-media-cdn/function/mapping"
)

// Format is how an input names objects.
type Format string

// The formats. An object is named by s3://bucket/key or by its key in the media bucket.
const (
	Lines  Format = "lines"  // one object a line
	NDJSON Format = "ndjson" // one JSON object or string a line
	CSV    Format = "csv"    // rows, with a header unless Input.Header is given
	// Inventory is S3 Inventory's CSV, which has no header and encodes keys as forms do.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
	Inventory Format = "inventory"
)

// DefaultColumn names the object in NDJSON and CSV: so an output of this package can be an input.
const DefaultColumn = "object"

// Input is a source of objects.
type Input struct {
	Reader io.Reader // as it is or compressed by gzip
	Format Format
	Column string // that names the object in NDJSON and CSV; empty for DefaultColumn
	// Header names the columns of CSV without a header row. For Inventory it is the manifest's fileSchema, by default
	// Bucket and Key.
	Header []string
	Bucket string // of objects named by their key alone
}

// Record is what one line or row names.
type Record struct {
	Line   int64  // where it begins, from 1
	Object string // as s3://bucket/key, or empty
	// Text and Problem say why nothing is named: what there is instead, shortened and, unless it is UTF-8, quoted, and
	// what is wrong with it.
	Text, Problem string
}

// Reader reads an input.
type Reader struct {
	lines  lines
	in     Input
	header []string // of CSV
	column int      // of the object
	rows   func(row []string) (object, problem string, ok bool)
}

// NewReader starts reading. An error says that the input cannot be of its format at all.
func NewReader(in Input) (*Reader, error) {
	plain, err := plainReader(in.Reader)
	if err != nil {
		return nil, err
	}
	in.Column = cmp.Or(in.Column, DefaultColumn)
	r := &Reader{lines: lines{in: plain}, in: in}
	switch in.Format {
	case Lines:
		return r, r.refuseJSON()
	case NDJSON:
		return r, nil
	case CSV:
		return r, r.openCSV()
	case Inventory:
		return r, r.openInventory()
	}
	return nil, fmt.Errorf("there is no format %q", in.Format)
}

// plainReader takes off compression and a byte order mark.
func plainReader(r io.Reader) (*bufio.Reader, error) {
	plain := bufio.NewReaderSize(r, 64<<10)
	if start, _ := plain.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(plain)
		if err != nil {
			return nil, fmt.Errorf("reading the compressed input: %w", err)
		}
		plain = bufio.NewReaderSize(unzipped, 64<<10)
	}
	if start, _ := plain.Peek(3); string(start) == "\ufeff" {
		_, _ = plain.Discard(3)
	}
	return plain, nil
}

// refuseJSON refuses an input that is JSON and is read as keys, which would name ten million objects wrongly.
func (r *Reader) refuseJSON() error {
	start, _ := r.lines.in.Peek(1)
	if string(start) == "{" || string(start) == "[" {
		return fmt.Errorf("the input starts with %s and looks like JSON: say --format=ndjson", start)
	}
	return nil
}

func (r *Reader) openInventory() error {
	r.header = r.in.Header
	if r.header == nil {
		r.header = []string{"Bucket", "Key"}
	}
	bucket, key := slices.Index(r.header, "Bucket"), slices.Index(r.header, "Key")
	if bucket < 0 || key < 0 {
		return fmt.Errorf("the schema has no Bucket and Key: copy the manifest's fileSchema")
	}
	latest, deleted := slices.Index(r.header, "IsLatest"), slices.Index(r.header, "IsDeleteMarker")
	r.rows = func(row []string) (string, string, bool) {
		if latest >= 0 && row[latest] == "false" || deleted >= 0 && row[deleted] == "true" {
			return "", "", false
		}
		plain, err := url.QueryUnescape(row[key])
		if err != nil {
			return "", "the key is not encoded as S3 Inventory encodes keys", true
		}
		return "s3://" + row[bucket] + "/" + plain, "", true
	}
	return nil
}

// Next returns what the next line or row names, or io.EOF. Empty lines, and an inventory's old versions and delete
// markers, are passed over.
func (r *Reader) Next() (Record, error) {
	for {
		var record Record
		var found bool
		var err error
		if r.rows == nil {
			record, found, err = r.nextLine()
		} else {
			record, found, err = r.nextRow()
		}
		if err != nil {
			return Record{}, err
		}
		if found {
			return record.checked(r.in.Bucket), nil
		}
	}
}

func (r *Reader) nextLine() (Record, bool, error) {
	l, err := r.lines.next()
	if err != nil || l.text == "" {
		return Record{}, false, err
	}
	record := Record{Line: l.number, Text: l.text}
	switch {
	case l.long:
		record.Problem = tooLong
	case !utf8.ValidString(l.text):
		record.Problem = notUTF8
	case r.in.Format == Lines:
		record.Object = l.text
	default:
		record.Object, record.Problem = jsonName(l.text, r.in.Column)
	}
	return record, true, nil
}

const (
	tooLong = "the line is longer than 1 MB"
	notUTF8 = "the text is not UTF-8"
)

// jsonName returns the object that a line of JSON names.
func jsonName(text, column string) (name, problem string) {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return "", "the line is not JSON"
	}
	if fields, ok := value.(map[string]any); ok {
		value = fields[column]
	}
	name, ok := value.(string)
	if !ok || name == "" {
		return "", fmt.Sprintf("the line has no text in the field %q", column)
	}
	return name, ""
}

// checked completes the name of the object, and refuses what can be none.
func (r Record) checked(bucket string) Record {
	if r.Problem == "" && !strings.HasPrefix(r.Object, "s3://") {
		r.Object = "s3://" + bucket + "/" + r.Object
	}
	if r.Problem == "" {
		if _, err := mapping.ParseObject(r.Object); err != nil {
			r.Problem = err.Error()
		}
	}
	if r.Problem == "" {
		r.Text = ""
		return r
	}
	const shown = 200
	r.Object = ""
	if len(r.Text) > shown {
		r.Text = r.Text[:shown] + "…"
	}
	if !utf8.ValidString(r.Text) {
		r.Text = strconv.Quote(r.Text)
	}
	return r
}
