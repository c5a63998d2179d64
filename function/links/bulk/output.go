package bulk

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
)

// Output is where results go, in the order of the input. If it is a file, the file is all that is known of an earlier
// run: whatever line it has whole is done. So no end of a run, at whatever moment, can make it say what is not so.
type Output struct {
	form   form
	out    io.Writer
	errors io.Writer // results without a link once more, as NDJSON; nil for none
	file   *os.File  // out, if it can be resumed
	size   int64     // of the file
}

// NewOutput writes to out, from the beginning. Results without a link are also written to problems, unless it is nil.
func NewOutput(out io.Writer, csv bool, problems io.Writer) *Output {
	o := &Output{form: jsonForm{}, out: out, errors: problems}
	if csv {
		o.form = csvForm{}
	}
	return o
}

// OpenOutput writes to the file, behind what an earlier run left there.
func OpenOutput(name string, csv bool, problems io.Writer) (*Output, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) // links are for those who are given them
	if err != nil {
		return nil, err
	}
	o := NewOutput(file, csv, problems)
	o.file = file
	return o, nil
}

// Close closes the file, if there is one, after all of it is on the disk.
func (o *Output) Close() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.file.Sync(), o.file.Close())
}

// resume reads what an earlier run wrote, next to the input that it was made of, and calls each with every result. An
// unfinished last line is cut off. Nothing is changed if the file was not made of this input, or for another audience.
func (o *Output) resume(in *Reader, audience string, each func(Result)) error {
	if o.file == nil {
		return o.begin()
	}
	written := bufio.NewReaderSize(o.file, 64<<10)
	for place := int64(1); ; place++ {
		text, err := written.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return o.cut(text, place)
		}
		if err != nil {
			return err
		}
		if place == 1 && o.form.header() != "" {
			if text != o.form.header() {
				return o.notOurs(place)
			}
		} else if err := o.compare(text, place, in, audience, each); err != nil {
			return err
		}
		o.size += int64(len(text))
	}
}

// compare holds one line of the file to the next of the input.
func (o *Output) compare(text string, place int64, in *Reader, audience string, each func(Result)) error {
	result, ok := o.form.decode(text)
	if !ok {
		return o.notOurs(place)
	}
	record, err := in.Next()
	if errors.Is(err, io.EOF) {
		return o.wrong("has more lines than this input: give the input that it was made of, or choose another file")
	}
	if err != nil {
		return err
	}
	if record.Line != result.Line || record.Object != result.Object {
		return o.wrong("has in line %d another object than this input in line %d, which has changed or is another one: "+
			"give the input that it was made of, or choose another file", place, record.Line)
	}
	if result.Error == nil && cmp.Or(result.Audience, result.Service) != cmp.Or(audience, result.Service) {
		return o.wrong("has in line %d a link for another audience: ask for the same one, or choose another file", place)
	}
	each(result)
	return o.tellProblem(result)
}

func (o *Output) notOurs(place int64) error {
	return o.wrong("has a line %d that this command does not write in this form: choose another file", place)
}

// FileError says that a file cannot be the output of the run.
type FileError struct{ error }

func (o *Output) wrong(format string, args ...any) error {
	return FileError{fmt.Errorf("%s %s", o.file.Name(), fmt.Sprintf(format, args...))}
}

// cut removes the unfinished line at the file's end.
func (o *Output) cut(unfinished string, place int64) error {
	ours := o.form.start(unfinished)
	if place == 1 && o.form.header() != "" {
		ours = alike(unfinished, o.form.header())
	}
	if !ours {
		return o.notOurs(place)
	}
	if err := o.file.Truncate(o.size); err != nil {
		return err
	}
	if _, err := o.file.Seek(o.size, io.SeekStart); err != nil {
		return err
	}
	if o.size > 0 {
		return nil
	}
	return o.begin()
}

func (o *Output) begin() error {
	if o.form.header() == "" {
		return nil
	}
	return o.write([]byte(o.form.header()))
}

// add writes the results with one call of the system.
func (o *Output) add(results []Result) error {
	var text []byte
	for _, r := range results {
		text = append(text, o.form.encode(r)...)
	}
	if err := o.write(text); err != nil {
		return err
	}
	for _, r := range results {
		if err := o.tellProblem(r); err != nil {
			return err
		}
	}
	return nil
}

// write appends to the file, unless somebody else does, too: then the order would be lost.
func (o *Output) write(text []byte) error {
	if o.file != nil {
		info, err := o.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() != o.size {
			return o.wrong("is written by somebody else at the same time: run one command for one file")
		}
	}
	n, err := o.out.Write(text)
	o.size += int64(n)
	return err
}

func (o *Output) tellProblem(r Result) error {
	if o.errors == nil || r.Error == nil {
		return nil
	}
	_, err := io.WriteString(o.errors, jsonForm{}.encode(r))
	return err
}
