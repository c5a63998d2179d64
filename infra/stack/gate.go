package stack

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudfront"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	source "secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
)

const (
	gateRuntime    = "cloudfront-js-2.0"
	viewerRequest  = "viewer-request"
	viewerResponse = "viewer-response"
)

// gate is what stands before the cache, and between it and the viewer.
type gate struct {
	// function checks every request for a link, public the spelling of every path
	// of a public service.
	function, public *cloudfront.Function
	// headers takes S3's own headers out of every answer.
	headers *cloudfront.Function
	// store holds the link keys and the revoked links.
	store *cloudfront.KeyValueStore
	// logs are the functions' log groups, to be there before the first request.
	logs []pulumi.Resource
}

// newGate registers the gate.
func (s *builder) newGate() (*gate, error) {
	store, err := cloudfront.NewKeyValueStore(s.ctx, "gate", &cloudfront.KeyValueStoreArgs{
		Comment: pulumi.String("Link keys and revoked links"),
	})
	if err != nil {
		return nil, fmt.Errorf("gate store: %w", err)
	}
	if err := s.newKeys(store); err != nil {
		return nil, err
	}
	code, err := source.Source(s.cfg.gateSettings())
	if err != nil {
		return nil, err
	}
	g := &gate{store: store}
	if g.function, err = s.newViewerFunction(g, "gate", &cloudfront.FunctionArgs{
		Comment:                   pulumi.String("Refuses forged, expired and revoked links"),
		Code:                      pulumi.String(code),
		KeyValueStoreAssociations: pulumi.StringArray{store.Arn},
	}); err != nil {
		return nil, err
	}
	// It is there without a public service, too, where nothing runs it.
	g.public, err = s.newViewerFunction(g, "public", &cloudfront.FunctionArgs{
		Comment: pulumi.String("Lets one spelling of each public path through"),
		Code:    pulumi.String(source.Public),
	})
	if err != nil {
		return nil, err
	}
	g.headers, err = s.newViewerFunction(g, "headers", &cloudfront.FunctionArgs{
		Comment: pulumi.String("Takes S3's own headers out of answers"),
		Code:    pulumi.String(source.Headers(s.cfg.viewerCache())),
	})
	return g, err
}

// newViewerFunction registers a published CloudFront Function and its log group.
func (s *builder) newViewerFunction(g *gate, name string, args *cloudfront.FunctionArgs) (*cloudfront.Function, error) {
	args.Runtime, args.Publish = pulumi.String(gateRuntime), pulumi.Bool(true)
	function, err := cloudfront.NewFunction(s.ctx, name, args)
	if err != nil {
		return nil, fmt.Errorf("CloudFront function %s: %w", name, err)
	}
	// CloudFront gives the name, and logs in us-east-1.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
	logs, err := s.newLogGroup(name, pulumi.Sprintf("/aws/cloudfront/function/%s", function.Name), edgeRegion)
	g.logs = append(g.logs, logs)
	return function, err
}

// newKeys registers the entry that keys the names of audiences, which never
// changes, and those of the link keys: the generation that seals, the
// one before it, whose links still open, and the one after it, so that a key has
// long been at every edge when it begins to seal. They are registered one by one,
// since the issuer keeps the revoked links among them.
//
// AWS makes the values. Each evaluation asks for new ones, of which only those of
// new entries are used: an entry keeps the value it was made with.
func (s *builder) newKeys(store *cloudfront.KeyValueStore) error {
	if err := s.newKey(store, "audience", seal.AudienceEntry); err != nil {
		return err
	}
	first, last := max(s.cfg.LinkKeyGeneration-1, 1), min(s.cfg.LinkKeyGeneration+1, seal.MaxGeneration)
	for generation := first; generation <= last; generation++ {
		if err := s.newKey(store, fmt.Sprintf("key-%d", generation), seal.KeyEntry(generation)); err != nil {
			return err
		}
	}
	return nil
}

// newKey registers an entry with a value that AWS makes.
func (s *builder) newKey(store *cloudfront.KeyValueStore, name, entry string) error {
	// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
	made, err := secretsmanager.GetRandomPassword(s.ctx, &secretsmanager.GetRandomPasswordArgs{
		PasswordLength: pulumi.IntRef(seal.ValueLength), ExcludePunctuation: pulumi.BoolRef(true),
	})
	if err != nil {
		return fmt.Errorf("making the key %s: %w", entry, err)
	}
	_, err = cloudfront.NewKeyvaluestoreKey(s.ctx, name, &cloudfront.KeyvaluestoreKeyArgs{
		KeyValueStoreArn: store.Arn,
		Key:              pulumi.String(entry),
		Value:            pulumi.ToSecret(pulumi.String(made.RandomPassword)).(pulumi.StringOutput),
	}, pulumi.IgnoreChanges([]string{"value"}))
	if err != nil {
		return fmt.Errorf("key %s: %w", entry, err)
	}
	return nil
}
