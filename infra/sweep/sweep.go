// Package sweep deletes the edge function versions that a stack left behind.
//
// AWS refuses to delete an edge function while CloudFront has replicas of it,
// which is for hours after the distribution is gone. `pulumi destroy` therefore
// leaves the function, and updates leave old versions. Sweep finds them by name
// and tags and deletes what no distribution uses.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// settling is how long a function is left alone after its last change: an
// update publishes a version minutes before the distribution uses it.
const settling = time.Hour

// sweeper deletes the edge function versions that a stack left behind.
type sweeper struct {
	lambda     *lambda.Client     // in us-east-1
	cloudfront *cloudfront.Client // global
	now        func() time.Time
	project    string
	stack      string
	apply      bool // delete; otherwise only say what would be
	out        io.Writer
}

// Run sweeps the edge functions of a project's stack with the credentials of
// cfg, which must be of us-east-1, where edge functions live whatever the
// stack's region. Without apply it only says on out what it would delete.
func Run(ctx context.Context, cfg aws.Config, project, stack string, apply bool, out io.Writer) error {
	s := &sweeper{
		lambda: lambda.NewFromConfig(cfg), cloudfront: cloudfront.NewFromConfig(cfg),
		now: time.Now, project: project, stack: stack, apply: apply, out: out,
	}
	return s.sweep(ctx)
}

// candidate is one edge function of the stack and its numbered versions,
// ascending.
type candidate struct {
	name     string
	versions []int
}

// sweep finds the stack's edge functions in us-east-1 and deletes every version
// that no distribution of the account uses: the whole function if it has none
// in use, and otherwise those older than all in use. It never touches a version
// in use, nor a function changed within the last hour. That AWS still holds
// replicas of a function is not an error; it is said, and a later sweep gets it.
func (s *sweeper) sweep(ctx context.Context) error {
	used, err := s.inUse(ctx)
	if err != nil {
		return err
	}
	found, kept, err := s.candidates(ctx)
	if err != nil {
		return err
	}
	for _, c := range found {
		if err := s.sweepFunction(ctx, c, used); err != nil {
			return err
		}
	}
	if len(found)+kept == 0 {
		fmt.Fprintf(s.out, "no edge function of stack %s is left\n", s.stack)
	}
	return nil
}

func (s *sweeper) sweepFunction(ctx context.Context, c candidate, used map[string]bool) error {
	var usedVersions []int
	for _, v := range c.versions {
		if used[qualified(c.name, v)] {
			usedVersions = append(usedVersions, v)
		}
	}
	if len(usedVersions) == 0 {
		return s.delete(ctx, c.name, "")
	}
	for _, v := range c.versions {
		switch {
		case slices.Contains(usedVersions, v):
			s.kept(qualified(c.name, v), "a distribution uses it")
			continue
		case v > slices.Min(usedVersions):
			s.kept(
				qualified(c.name, v),
				"it is newer than a version in use, and may be on its way into the distribution",
			)
			continue
		}
		if err := s.delete(ctx, c.name, strconv.Itoa(v)); err != nil {
			return err
		}
	}
	return nil
}

// delete deletes a version, or the whole function if version is empty.
func (s *sweeper) delete(ctx context.Context, name, version string) error {
	what := strings.TrimSuffix(name+":"+version, ":")
	if !s.apply {
		fmt.Fprintf(s.out, "would delete %s\n", what)
		return nil
	}
	in := &lambda.DeleteFunctionInput{FunctionName: &name}
	if version != "" {
		in.Qualifier = &version
	}
	_, err := s.lambda.DeleteFunction(ctx, in)
	var invalid *types.InvalidParameterValueException
	switch {
	case err == nil:
		fmt.Fprintf(s.out, "deleted %s\n", what)
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-delete-replicas.html
	case errors.As(err, &invalid) && strings.Contains(invalid.ErrorMessage(), "because it is a replicated function"):
		fmt.Fprintf(
			s.out, "waiting %s: CloudFront still has replicas of it, which go within hours; sweep again later\n",
			what,
		)
	default:
		return fmt.Errorf("deleting %s: %w", what, err)
	}
	return nil
}

// inUse returns the edge function versions, as name:number, that any
// distribution of the account is associated with.
func (s *sweeper) inUse(ctx context.Context) (map[string]bool, error) {
	used := map[string]bool{}
	pages := cloudfront.NewListDistributionsPaginator(s.cloudfront, &cloudfront.ListDistributionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing distributions: %w", err)
		}
		for _, d := range page.DistributionList.Items {
			for _, arn := range associated(d) {
				// arn:aws:lambda:us-east-1:<account>:function:<name>:<version>
				if parts := strings.Split(arn, ":"); len(parts) == 8 {
					used[parts[6]+":"+parts[7]] = true
				}
			}
		}
	}
	return used, nil
}

// kept says that something is left alone, and why.
func (s *sweeper) kept(what, why string) { fmt.Fprintf(s.out, "kept    %s: %s\n", what, why) }

// candidates returns the stack's edge functions that have settled, and how many
// others have a name of the stack's and are kept.
func (s *sweeper) candidates(ctx context.Context) (found []candidate, kept int, err error) {
	// The pattern of pulumi:autonaming in Pulumi.yaml.
	ours := regexp.MustCompile(`^` + regexp.QuoteMeta(s.project+"-"+s.stack+"-edge-") + `[0-9a-f]{7}$`)
	pages := lambda.NewListFunctionsPaginator(s.lambda, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, 0, fmt.Errorf("listing functions: %w", err)
		}
		for _, f := range page.Functions {
			name := aws.ToString(f.FunctionName)
			if !ours.MatchString(name) {
				continue
			}
			ok, err := s.mayGo(ctx, f)
			if err != nil {
				return nil, 0, err
			}
			if !ok {
				kept++
				continue
			}
			versions, err := s.versions(ctx, name)
			if err != nil {
				return nil, 0, err
			}
			found = append(found, candidate{name: name, versions: versions})
		}
	}
	return found, kept, nil
}

// mayGo reports whether a function with a name of the stack's is the stack's by
// its tags, and is not being deployed.
func (s *sweeper) mayGo(ctx context.Context, f types.FunctionConfiguration) (bool, error) {
	tags, err := s.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: f.FunctionArn})
	if err != nil {
		return false, fmt.Errorf("reading tags of %s: %w", aws.ToString(f.FunctionName), err)
	}
	if tags.Tags["project"] != s.project || tags.Tags["stack"] != s.stack {
		s.kept(aws.ToString(f.FunctionName), "its tags are not this stack's")
		return false, nil
	}
	changed, err := time.Parse("2006-01-02T15:04:05.999-0700", aws.ToString(f.LastModified))
	if err != nil {
		return false, fmt.Errorf("reading the age of %s: %w", aws.ToString(f.FunctionName), err)
	}
	if s.now().Sub(changed) < settling {
		s.kept(aws.ToString(f.FunctionName), "it was changed within the last hour")
		return false, nil
	}
	return true, nil
}

// versions returns the numbers of a function's published versions, ascending.
func (s *sweeper) versions(ctx context.Context, name string) ([]int, error) {
	var numbers []int
	pages := lambda.NewListVersionsByFunctionPaginator(
		s.lambda, &lambda.ListVersionsByFunctionInput{FunctionName: &name},
	)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing versions of %s: %w", name, err)
		}
		for _, v := range page.Versions {
			if n, err := strconv.Atoi(aws.ToString(v.Version)); err == nil { // $LATEST is no number
				numbers = append(numbers, n)
			}
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func qualified(name string, version int) string { return name + ":" + strconv.Itoa(version) }
