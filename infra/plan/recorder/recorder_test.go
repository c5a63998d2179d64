package recorder_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

func evaluate(program pulumi.RunFunc, set ...func(*recorder.Options)) (*plan.Document, error) {
	run := func(ctx *pulumi.Context, _ map[string]string) error { return program(ctx) }
	opts := recorder.Options{Program: run, Root: "testdata/project", Stack: "test"}
	for _, s := range set {
		s(&opts)
	}
	return recorder.Evaluate(opts)
}

func topic(name string, opts ...pulumi.ResourceOption) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		_, err := sns.NewTopic(ctx, name, nil, opts...)
		return err
	}
}

func TestAResourceIsRecordedWithWhatWasSaidOfIt(t *testing.T) {
	doc, err := evaluate(func(ctx *pulumi.Context) error {
		provider, err := aws.NewProvider(ctx, "far", &aws.ProviderArgs{Region: pulumi.String("us-west-2")})
		if err != nil {
			return err
		}
		first, err := sns.NewTopic(ctx, "first", nil)
		if err != nil {
			return err
		}
		second, err := sns.NewTopic(ctx, "second", &sns.TopicArgs{DisplayName: first.Name, FifoTopic: pulumi.Bool(true)},
			pulumi.Provider(provider), pulumi.Parent(first), pulumi.Protect(true), pulumi.RetainOnDelete(true),
			pulumi.IgnoreChanges([]string{"tags"}))
		if err != nil {
			return err
		}
		third, err := sns.NewTopic(ctx, "third", &sns.TopicArgs{DisplayName: first.Name},
			pulumi.DependsOn([]pulumi.Resource{first, second}))
		ctx.Export("arn", third.Arn)
		return err
	})
	require.NoError(t, err)
	require.Len(t, doc.Resources, 4)
	second, ok := doc.Find("aws:sns/topic:Topic", "second")
	require.True(t, ok)
	assert.Equal(t, map[string]any{"displayName": "sample-test-first", "fifoTopic": true}, second.Inputs)
	assert.Equal(t, "far", second.Provider)
	assert.Equal(t, "us-west-2", second.Region)
	assert.Equal(t, "first", second.Parent)
	assert.Equal(t, plan.Options{Protect: true, RetainOnDelete: true, IgnoreChanges: []string{"tags"}}, second.Options)
	assert.Equal(t, "arn:aws:sns:us-west-2:123456789012:sample-test-second", second.Outputs["arn"])
	third, _ := doc.Find("aws:sns/topic:Topic", "third")
	assert.Equal(t, []string{"aws:sns/topic:Topic::second"}, third.Options.DependsOn, "only what no property says already")
	assert.Empty(t, third.Provider)
	assert.Empty(t, third.Region)
	assert.Equal(t, map[string]any{"arn": "arn:aws:sns:eu-central-1:123456789012:sample-test-third"}, doc.Outputs)
}

func TestWhatHasNoModelIsRefused(t *testing.T) {
	_, err := evaluate(func(ctx *pulumi.Context) error {
		_, err := sns.NewSmsPreferences(ctx, "texts", nil)
		return err
	})
	assert.ErrorContains(t, err,
		`no outputs are modelled for type aws:sns/smsPreferences:SmsPreferences (resource "texts")`)

	_, err = evaluate(func(ctx *pulumi.Context) error {
		_, err := aws.GetRegion(ctx, nil)
		return err
	})
	assert.ErrorContains(t, err, "no answer is modelled for the lookup aws:index/getRegion:getRegion")
}

func TestASecondResourceOfOneNameIsRefused(t *testing.T) {
	_, err := evaluate(func(ctx *pulumi.Context) error {
		if _, err := sns.NewTopic(ctx, "twice", nil); err != nil {
			return err
		}
		_, err := sns.NewTopic(ctx, "twice", nil)
		return err
	})
	assert.ErrorContains(t, err, `aws:sns/topic:Topic "twice" is registered twice`)
}

func TestAProgramsErrorIsTheEvaluations(t *testing.T) {
	cause := errors.New("no such luck")
	_, err := evaluate(func(*pulumi.Context) error { return cause })
	assert.ErrorIs(t, err, cause)
	assert.ErrorContains(t, err, "evaluating stack test")
}

func TestTheAccountIsTheExamplesOne(t *testing.T) {
	doc, err := evaluate(func(ctx *pulumi.Context) error {
		caller, err := aws.GetCallerIdentity(ctx, nil)
		if err == nil {
			ctx.Export("account", pulumi.String(caller.AccountId))
		}
		return err
	})
	require.NoError(t, err)
	assert.Equal(t, recorder.AccountID, doc.Outputs["account"])
}

func TestAPreviewKnowsNoComputedProperty(t *testing.T) {
	ran := false
	doc, err := evaluate(func(ctx *pulumi.Context) error {
		first, err := sns.NewTopic(ctx, "first", nil)
		if err != nil {
			return err
		}
		first.Arn.ApplyT(func(string) string { ran = true; return "" })
		_, err = sns.NewTopic(ctx, "second", &sns.TopicArgs{DisplayName: first.Arn})
		ctx.Export("arn", first.Arn)
		return err
	}, func(o *recorder.Options) { o.DryRun = true })
	require.NoError(t, err)
	assert.False(t, ran)
	second, _ := doc.Find("aws:sns/topic:Topic", "second")
	assert.Empty(t, second.Inputs)
	assert.Empty(t, doc.Outputs)
}

func TestSecretsAreHiddenUnlessAskedFor(t *testing.T) {
	program := func(ctx *pulumi.Context) error {
		_, err := sns.NewTopic(ctx, "topic",
			&sns.TopicArgs{DisplayName: pulumi.ToSecret(pulumi.String("hush")).(pulumi.StringOutput)})
		return err
	}
	doc, err := evaluate(program)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"secret": true}, doc.Resources[0].Inputs["displayName"])
	assert.NotContains(t, fmt.Sprint(doc), "hush")
	doc, err = evaluate(program, func(o *recorder.Options) { o.RevealSecrets = true })
	require.NoError(t, err)
	assert.Equal(t, "hush", doc.Resources[0].Inputs["displayName"])

	_, err = evaluate(func(ctx *pulumi.Context) error {
		ctx.Export("password", pulumi.ToSecret(pulumi.String("hush")))
		return nil
	})
	assert.ErrorContains(t, err, "a secret is among them")
	assert.NotContains(t, err.Error(), "hush")
}

func TestArchivesAreNamedByTheirPath(t *testing.T) {
	function := func(code pulumi.Archive) pulumi.RunFunc {
		return func(ctx *pulumi.Context) error {
			_, err := lambda.NewFunction(ctx, "f", &lambda.FunctionArgs{Role: pulumi.String("r"), Code: code})
			return err
		}
	}
	absolute, err := filepath.Abs("testdata/project/build/edge.zip")
	require.NoError(t, err)
	for _, path := range []string{absolute, "build/edge.zip"} {
		doc, err := evaluate(function(pulumi.NewFileArchive(path)))
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"archive": "build/edge.zip"}, doc.Resources[0].Inputs["code"])
	}
	_, err = evaluate(function(pulumi.NewAssetArchive(map[string]any{"bootstrap": pulumi.NewFileAsset("main")})))
	assert.ErrorContains(t, err, "an archive must be a file on disk", "Pulumi's own zips lose the execute bit")
}

func TestEveryRunGivesTheSameDocument(t *testing.T) {
	program := func(ctx *pulumi.Context) error {
		for i := range 20 {
			if _, err := s3.NewBucketV2(ctx, fmt.Sprintf("b%02d", i), nil); err != nil {
				return err
			}
		}
		return topic("a")(ctx)
	}
	first, err := evaluate(program)
	require.NoError(t, err)
	for range 10 {
		again, err := evaluate(program)
		require.NoError(t, err)
		assert.Equal(t, first, again)
	}
	assert.Equal(t, "b00", first.Resources[0].Name)
	assert.Equal(t, "a", first.Resources[20].Name, "by type, then name")
}
