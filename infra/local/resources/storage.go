package resources

import (
	"context"
	"errors"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"secure-media-cdn/infra/plan"
)

// makeTable creates the table, or takes the one that is there if its keys are those of the document.
func makeTable(ctx context.Context, client *dynamodb.Client, r plan.Resource) error {
	var in struct {
		Name       string
		Attributes []struct{ Name, Type string }
		HashKey    string
		Billing    string `json:"billingMode"`
		TTL        struct {
			AttributeName string
			Enabled       bool
		}
	}
	if err := decode(r, &in); err != nil {
		return err
	}
	name := aws.String(text(r, "name"))
	create := &dynamodb.CreateTableInput{
		TableName: name, BillingMode: dynamo.BillingMode(in.Billing),
		KeySchema: []dynamo.KeySchemaElement{{AttributeName: &in.HashKey, KeyType: dynamo.KeyTypeHash}},
	}
	for _, a := range in.Attributes {
		create.AttributeDefinitions = append(create.AttributeDefinitions, dynamo.AttributeDefinition{
			AttributeName: aws.String(a.Name), AttributeType: dynamo.ScalarAttributeType(a.Type),
		})
	}
	_, err := client.CreateTable(ctx, create)
	var exists *dynamo.ResourceInUseException
	if errors.As(err, &exists) {
		err = sameKeys(ctx, client, create)
	}
	if err != nil {
		return err
	}
	return expire(ctx, client, name, in.TTL.AttributeName, in.TTL.Enabled)
}

// expire has the table expire its items by the attribute, or not at all. The attribute of a table that expires
// already must be given up first.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
func expire(ctx context.Context, client *dynamodb.Client, table *string, attribute string, enabled bool) error {
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: table})
	if err != nil {
		return err
	}
	current := ""
	if d := out.TimeToLiveDescription; d != nil && d.TimeToLiveStatus == dynamo.TimeToLiveStatusEnabled {
		current = aws.ToString(d.AttributeName)
	}
	set := func(attribute string, enabled bool) error {
		_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: table,
			TimeToLiveSpecification: &dynamo.TimeToLiveSpecification{
				AttributeName: &attribute, Enabled: &enabled,
			}})
		return err
	}
	if current != "" && (!enabled || current != attribute) {
		if err := set(current, false); err != nil {
			return err
		}
	}
	if enabled && current != attribute {
		return set(attribute, true)
	}
	return nil
}

// sameKeys fails if the table that is there has another key than is wanted.
func sameKeys(ctx context.Context, client *dynamodb.Client, want *dynamodb.CreateTableInput) error {
	got, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: want.TableName})
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(got.Table.KeySchema, want.KeySchema) ||
		!reflect.DeepEqual(got.Table.AttributeDefinitions, want.AttributeDefinitions) {
		return errors.New("it has another key now, which replaces the table: start afresh with CLEAN=1")
	}
	return nil
}

// makeBucket creates the bucket if it is not there, and sets its CORS rules.
func makeBucket(ctx context.Context, client *s3.Client, d *plan.Document, r plan.Resource) error {
	name := aws.String(text(r, "bucket"))
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name})
	var owned *s3types.BucketAlreadyOwnedByYou
	var exists *s3types.BucketAlreadyExists
	if err != nil && !errors.As(err, &owned) && !errors.As(err, &exists) {
		return err
	}
	if r.Options.Read {
		return nil // somebody else's: if it is not here, one stands for it
	}
	for _, cors := range d.ByType(typeCORS) {
		if cors.Inputs["bucket"] == r.ID {
			return makeCORS(ctx, client, name, cors)
		}
	}
	_, err = client.DeleteBucketCors(ctx, &s3.DeleteBucketCorsInput{Bucket: name})
	return err
}

func makeCORS(ctx context.Context, client *s3.Client, bucket *string, r plan.Resource) error {
	var in struct {
		Bucket string
		Rules  []struct {
			AllowedHeaders, AllowedMethods, AllowedOrigins, ExposeHeaders []string
			MaxAgeSeconds                                                 int32
		} `json:"corsRules"`
	}
	if err := decode(r, &in); err != nil {
		return err
	}
	var rules []s3types.CORSRule
	for _, rule := range in.Rules {
		rules = append(rules, s3types.CORSRule{
			AllowedHeaders: rule.AllowedHeaders, AllowedMethods: rule.AllowedMethods, AllowedOrigins: rule.AllowedOrigins,
			ExposeHeaders: rule.ExposeHeaders, MaxAgeSeconds: &rule.MaxAgeSeconds,
		})
	}
	_, err := client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: bucket,
		CORSConfiguration: &s3types.CORSConfiguration{CORSRules: rules}})
	return err
}
