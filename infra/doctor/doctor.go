// Package doctor compares what is deployed with what the program says, as far as the stack's promises rest on it. It
// only reads. What is expected comes from the program itself, recorded as for `make plan`; what things are really
// called comes from the stack's outputs, and from what those lead to.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/smithy-go"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/stack/outputs"
)

// Patient is a deployed stack.
type Patient struct {
	Plan    *plan.Document // what the program says, with the made-up names of a recorder
	Outputs outputs.Outputs
	// Config has the credentials. Clients are made for the regions of what they look at.
	Config aws.Config
	// Local says that the stack is the one of `make run`, whose S3 server has a path for each bucket.
	Local bool
}

// Status is what is known of a setting.
type Status string

// The statuses. Unknown means that it could not be looked at.
const (
	OK      Status = "ok"
	Wrong   Status = "wrong"
	Unknown Status = "unknown"
)

// Finding is one line of the report.
type Finding struct {
	Status Status
	Text   string // what was looked at, and what is wrong with it
	Advice string // what to do, unless the status is OK
}

// mend is what to do about most differences.
const mend = "see `pulumi preview --refresh`, and undo it with `make up`: it was changed by hand, or never deployed"

// mendOwner is the same about a bucket that was there before, of which `make up` mends nothing.
const mendOwner = "ask the bucket's owner to change it: the stack changes nothing of a bucket that was there before"

// examination is one run.
type examination struct {
	Patient
	real     *strings.Replacer // from the plan's made-up names to real ones
	learned  []string          // pairs for it
	account  string
	queue    string // ARN of the issuer's queue, once it is known
	store    string // ARN of the gate's store, likewise
	mend     string // what to do about the setting that is looked at
	findings []Finding
}

// Examine looks at everything.
func Examine(ctx context.Context, p Patient) ([]Finding, error) {
	edge, err := arn.Parse(p.Outputs.EdgeFunctionVersionARN)
	if err != nil {
		return nil, fmt.Errorf("the stack's output edgeFunctionVersionArn: %w", err)
	}
	e := &examination{Patient: p, account: edge.AccountID, mend: mend}
	planned, err := json.Marshal(p.Plan.Outputs)
	if err != nil {
		return nil, err
	}
	var made outputs.Outputs
	if err := json.Unmarshal(planned, &made); err != nil {
		return nil, err
	}
	madeEdge, err := arn.Parse(made.EdgeFunctionVersionARN)
	if err != nil {
		return nil, fmt.Errorf("the plan's output edgeFunctionVersionArn: %w", err)
	}
	e.learn(made.MediaBucket, p.Outputs.MediaBucket)
	e.learn(made.MappingTable, p.Outputs.MappingTable)
	e.learn(made.DistributionID, p.Outputs.DistributionID)
	e.learn(made.IssuerFunctionName, p.Outputs.IssuerFunctionName)
	e.learn(madeEdge.AccountID, e.account)
	for _, look := range []func(context.Context){
		e.events, e.bucket, e.distribution, e.table, e.callers, e.logs, e.topics, e.alarms,
	} {
		look(ctx)
	}
	return e.findings, nil
}

// learn has the made-up name stand for the real one.
func (e *examination) learn(made, name string) {
	if made != "" && made != name {
		e.learned = append(e.learned, made, name)
	}
	e.real = strings.NewReplacer(e.learned...)
}

// in returns the configuration for a region.
func (e *examination) in(region string) aws.Config {
	cfg := e.Config.Copy()
	cfg.Region = region
	return cfg
}

// home is the stack's own region.
func (e *examination) home() string { return e.Outputs.MappingRegions[0] }

// region is where a planned resource is.
func (e *examination) region(r plan.Resource) string {
	if r.Region != "" {
		return r.Region
	}
	return e.home()
}

// decode reads what the program says of a resource, with real names.
func (e *examination) decode(r plan.Resource, into any) error {
	text, err := json.Marshal(r.Inputs)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(e.real.Replace(string(text))), into)
}

func (e *examination) ok(format string, args ...any) {
	e.findings = append(e.findings, Finding{OK, fmt.Sprintf(format, args...), ""})
}

func (e *examination) wrong(advice, format string, args ...any) {
	e.findings = append(e.findings, Finding{Wrong, fmt.Sprintf(format, args...), advice})
}

// same says whether a setting is as it should be.
func (e *examination) same(what string, want, got any) bool {
	if reflect.DeepEqual(want, got) {
		e.ok("%s", what)
		return true
	}
	e.wrong(e.mend, "%s: is %s, not %s", what, shown(got), shown(want))
	return false
}

// shown is a value in a line of the report.
func shown(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// failed says that a setting could not be read, or is not there: AWS tells so with one of the codes.
func (e *examination) failed(what string, err error, gone ...string) {
	if saysCode(err, gone...) {
		e.wrong(e.mend, "%s: there is none", what)
		return
	}
	var refused smithy.APIError
	f := Finding{Unknown, what + ": " + err.Error(),
		"look again, with credentials that may: the previewing role's are enough"}
	switch {
	case errors.Is(err, errElsewhere):
		f.Text, f.Advice = what+": "+errElsewhere.Error(), "look at a deployed stack"
	case errors.As(err, &refused):
		f.Text = what + ": " + refused.ErrorCode()
	}
	e.findings = append(e.findings, f)
}

// saysCode reports whether AWS refused a call with one of the codes.
func saysCode(err error, codes ...string) bool {
	var refused smithy.APIError
	return errors.As(err, &refused) && slices.Contains(codes, refused.ErrorCode())
}

// Print writes the report, and returns the exit code of a pipeline's step: 0 all is well, 1 something is wrong,
// 3 nothing is wrong but something is unknown.
func Print(findings []Finding, out io.Writer) (code int) {
	count := map[Status]int{}
	for _, f := range findings {
		count[f.Status]++
		fmt.Fprintf(out, "%-8s%s\n", f.Status, f.Text)
		if f.Advice != "" {
			fmt.Fprintf(out, "        → %s\n", f.Advice)
		}
	}
	fmt.Fprintf(out, "%d ok, %d wrong, %d unknown\n", count[OK], count[Wrong], count[Unknown])
	switch {
	case count[Wrong] > 0:
		return 1
	case count[Unknown] > 0:
		return 3
	}
	return 0
}
