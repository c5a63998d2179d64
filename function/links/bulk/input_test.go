package bulk

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readAll returns the records as "line object" or "line! problem".
func readAll(t testing.TB, in Input) ([]string, error) {
	in.Bucket = "media"
	r, err := NewReader(in)
	if err != nil {
		return nil, err
	}
	var all []string
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		require.NoError(t, err)
		if record.Problem != "" {
			assert.Empty(t, record.Object)
			all = append(all, fmt.Sprintf("%d! %s", record.Line, record.Problem))
		} else {
			assert.Empty(t, record.Text)
			all = append(all, fmt.Sprintf("%d %s", record.Line, record.Object))
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func TestWhatAnInputNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine+1)
	for name, tt := range map[string]struct {
		in   Input
		text string
		want []string
	}{
		"a key a line": {Input{Format: Lines}, "chat/a.jpg\nchat/b c.jpg\n",
			[]string{"1 s3://media/chat/a.jpg", "2 s3://media/chat/b c.jpg"}},
		"a URL a line, of whatever bucket": {Input{Format: Lines}, "s3://media/chat/a\ns3://other/b",
			[]string{"1 s3://media/chat/a", "2 s3://other/b"}},
		"lines of Windows, empty lines, a byte order mark": {Input{Format: Lines}, "\ufeffa\r\n\r\n\nb\r\n",
			[]string{"1 s3://media/a", "4 s3://media/b"}},
		"compressed":       {Input{Format: Lines}, zipped("a\nb\n"), []string{"1 s3://media/a", "2 s3://media/b"}},
		"compressed parts": {Input{Format: Lines}, zipped("a\n") + zipped("b\n"), []string{"1 s3://media/a", "2 s3://media/b"}},
		"bad lines among good ones": {Input{Format: Lines}, "a\n\xff\ns3://media\ns3:///b\n" + long + "\n" + strings.Repeat("k", 1025) + "\nz\n",
			[]string{"1 s3://media/a", "2! the text is not UTF-8",
				"3! an object must be written s3://bucket/key: the key is missing",
				"4! an object must be written s3://bucket/key: the bucket is missing", "5! the line is longer than 1 MB",
				"6! an object's key has at most 1024 bytes, this one has 1025", "7 s3://media/z"}},
		"JSON objects and strings": {Input{Format: NDJSON}, `{"object":"a","size":1}` + "\n" + `"b\nc"` + "\n" + `{"object":"s3://media/d"}`,
			[]string{"1 s3://media/a", "2 s3://media/b\nc", "3 s3://media/d"}},
		"another field": {Input{Format: NDJSON, Column: "Key"}, `{"Key":"a","object":"no"}`, []string{"1 s3://media/a"}},
		"lines that are no JSON, or have no text": {Input{Format: NDJSON}, "{\n{}\n{\"object\":7}\n{\"object\":\"\"}\nnull\n[\"a\"]\n\"z\"\n\"a\" \"b\"",
			[]string{"1! the line is not JSON", `2! the line has no text in the field "object"`,
				`3! the line has no text in the field "object"`, `4! the line has no text in the field "object"`,
				`5! the line has no text in the field "object"`, `6! the line has no text in the field "object"`,
				"7 s3://media/z", "8! the line is not JSON"}},
		"a column by its name": {Input{Format: CSV, Column: "photo"}, "id,photo\n1,a\n\n2,\"b,\"\"c\"\"\"\n3,\"d\ne\"\n4,f\n",
			[]string{"2 s3://media/a", `4 s3://media/b,"c"`, "5 s3://media/d\ne", "7 s3://media/f"}},
		"columns without a header": {Input{Format: CSV, Column: "photo", Header: []string{"id", "photo"}}, "1,a\n2,b\n",
			[]string{"1 s3://media/a", "2 s3://media/b"}},
		"rows with too much or too little": {Input{Format: CSV}, "id,object\n1\n2,a,b\n3,c\n4,\n",
			[]string{"2! the row has 1 columns, not 2", "3! the row has 3 columns, not 2", "4 s3://media/c",
				`5! the column "object" is empty`}},
		"a lone quote loses no other row": {Input{Format: CSV}, "id,object\n1,\"a\n2,b\n3,c\n",
			[]string{`2! the row is not CSV: extraneous or missing " in quoted-field`, "3 s3://media/b", "4 s3://media/c"}},
		"two lone quotes lose none either": {Input{Format: CSV}, "id,object\n1,\"a\n2,b\n3,c\"d\n4,e\n",
			[]string{`2! the row is not CSV: extraneous or missing " in quoted-field`, "3 s3://media/b",
				`4! the row is not CSV: bare " in non-quoted-field`, "5 s3://media/e"}},
		"an inventory": {Input{Format: Inventory}, "\"media\",\"chat/a+b%2Bc%25.jpg\",\"12\"\n\"media\",\"%zz\",\"1\"\n\"media\"\n",
			[]string{"1 s3://media/chat/a b+c%.jpg", "2! the key is not encoded as S3 Inventory encodes keys",
				"3! the row has 1 columns, not 2"}},
		"an inventory of versions": {
			Input{Format: Inventory, Header: []string{"Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker"}},
			"media,a,v2,true,false\nmedia,a,v1,false,false\nmedia,b,v9,true,true\nmedia,c,v1,true,false\nmedia,d\n",
			[]string{"1 s3://media/a", "4 s3://media/c", "5! the row has 2 columns, not 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.in.Reader = strings.NewReader(tt.text)
			got, err := readAll(t, tt.in)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestAnInputThatCannotBeOfItsFormatIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   Input
		text string
		say  string
	}{
		"JSON as lines":           {Input{Format: Lines}, `{"object":"a"}`, "say --format=ndjson"},
		"no header":               {Input{Format: CSV}, "\n\n", "has no header"},
		"no such column":          {Input{Format: CSV, Column: "photo"}, "id,key\n", `no column "photo" but id, key`},
		"a header that is no CSV": {Input{Format: CSV}, "a\"b\n", "line 1, the header: the row is not CSV"},
		"a schema without a key":  {Input{Format: Inventory, Header: []string{"Bucket"}}, "", "copy the manifest's fileSchema"},
		"half a gzip header":      {Input{Format: Lines}, "\x1f\x8b\x08", "compressed input"},
		"no format":               {Input{}, "", "no format"},
	} {
		tt.in.Reader = strings.NewReader(tt.text)
		_, err := readAll(t, tt.in)
		assert.ErrorContains(t, err, tt.say, name)
	}
}

func TestAnInputThatEndsTooEarlyIsAnError(t *testing.T) {
	t.Parallel()
	whole := zipped(strings.Repeat("chat/a\n", 1000))
	r, err := NewReader(Input{Format: Lines, Reader: strings.NewReader(whole[:len(whole)-4])})
	require.NoError(t, err)
	for err == nil {
		_, err = r.Next()
	}
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// FuzzNoLineIsLost holds that each line that is not empty has a record of its own, or lies in the row of one before.
func FuzzNoLineIsLost(f *testing.F) {
	f.Add("a\nb\n", true)
	f.Add("object\n\"a\nb\"\n\"c\n", true)
	f.Add("\"\"\"\n,\n\"", true)
	f.Fuzz(func(t *testing.T, text string, isCSV bool) {
		in := Input{Format: Lines, Reader: strings.NewReader(text), Bucket: "media"}
		if isCSV {
			in.Format, in.Header = CSV, []string{DefaultColumn}
		}
		r, err := NewReader(in)
		if err != nil {
			return
		}
		last, named := int64(0), 0
		for {
			record, err := r.Next()
			if err != nil {
				break
			}
			require.Greater(t, record.Line, last)
			require.NotEqual(t, record.Object == "", record.Problem == "")
			last = record.Line
			named += 1 + strings.Count(record.Object, "\n")
		}
		if strings.HasPrefix(text, "\x1f\x8b") {
			return
		}
		lines := 0
		for l := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
			if strings.TrimSuffix(l, "\r") != "" {
				lines++
			}
		}
		require.GreaterOrEqual(t, named, lines)
	})
}
