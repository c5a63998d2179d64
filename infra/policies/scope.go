package policies

import (
	"fmt"
	"regexp"
)

// Scope is the environment that a policy is for.
type Scope struct {
	// Project is the name in Pulumi.yaml, and the first part of every name.
	Project string
	// Environment is the name of the stack.
	Environment string
	// Account is the AWS account's number.
	Account string
	// SecretsKey is the ARN of the KMS key that encrypts the secrets in the
	// environment's state.
	SecretsKey string
	// ContentKeys are the ARNs of the KMS keys whose policies the stack writes
	// (its config kmsKeyArn).
	ContentKeys []string
	// ExistingBuckets are the names of buckets that the stack serves and did not make
	// (its config existingBucket), and ManagedBuckets those whose policy or
	// notifications it writes besides (manageBucketPolicy, manageBucketEvents).
	ExistingBuckets, ManagedBuckets []string
	// ExistingKeys are the ARNs of the KMS keys that encrypt existing buckets.
	ExistingKeys []string
	// Zones are the ids of the Route 53 zones that the stack makes records in
	// (its config hostedZoneId). Whoever may change one record of a zone may
	// change all.
	Zones []string
	// Foreign are the ARNs of what CloudFront names by id alone and belongs to
	// another environment of the account.
	Foreign []string
}

// environmentName keeps names apart: without a hyphen no environment's prefix
// begins another's.
var environmentName = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// bootstrap stands where an environment's name would, in the names of what the
// bootstrap program makes.
const bootstrap = "bootstrap"

// longestBucket is the longest name of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
const longestBucket = 63

// Validate says what is wrong with the environment's name: one that could be
// taken for another's would let their roles reach each other.
func (s Scope) Validate() error {
	if !environmentName.MatchString(s.Environment) {
		return fmt.Errorf(
			"environment %q: use 1 to 16 lower-case letters and digits, beginning with a letter", s.Environment,
		)
	}
	if s.Environment == bootstrap {
		return fmt.Errorf("environment %q: this name is taken by what the bootstrap program makes", s.Environment)
	}
	if name := s.StateBucket(); len(name) > longestBucket {
		return fmt.Errorf(
			"the bucket name %s is longer than S3's %d characters: shorten the project or the environment", name,
			longestBucket,
		)
	}
	return nil
}

// prefix begins the name of everything that the environment's stack makes.
func (s Scope) prefix() string { return s.Project + "-" + s.Environment + "-" }

// ownPrefix begins the name of everything that the bootstrap program makes.
func (s Scope) ownPrefix() string { return s.Project + "-" + bootstrap + "-" }

// RoleName returns the name of the environment's role for a purpose, such as
// deploy.
func (s Scope) RoleName(purpose string) string { return s.ownPrefix() + s.Environment + "-" + purpose }

// BoundaryName returns the name of the environment's permissions boundary.
func (s Scope) BoundaryName() string { return s.ownPrefix() + s.Environment + "-boundary" }

// BoundaryARN returns the ARN of the environment's permissions boundary.
func (s Scope) BoundaryARN() string { return s.iam("policy/" + s.BoundaryName()) }

// StateBucket returns the name of the bucket of the environment's Pulumi state.
// It is the environment's alone: in a shared one, S3 answers 403 and not 404 for
// an object that is missing to whoever may list a part only.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s Scope) StateBucket() string { return s.ownPrefix() + s.Environment + "-state-" + s.Account }

// StoresByName returns the ARNs of the environment's key value stores in the form
// with their names, which CloudFront's own actions are judged by; those on
// entries are judged by the store's id.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
func (s Scope) StoresByName() string {
	return s.global("cloudfront", "key-value-store/"+s.prefix()+"*")
}

// bucketARNs returns the ARNs of buckets of the given names.
func bucketARNs(names ...string) []string {
	var arns []string
	for _, name := range names {
		arns = append(arns, "arn:aws:s3:::"+name)
	}
	return arns
}

// arn returns the ARN of a resource of the account, in any region.
func (s Scope) arn(service, resource string) string {
	return "arn:aws:" + service + ":*:" + s.Account + ":" + resource
}

// global returns the ARN of a resource of a service without regions.
func (s Scope) global(service, resource string) string {
	return "arn:aws:" + service + "::" + s.Account + ":" + resource
}

func (s Scope) iam(resource string) string { return s.global("iam", resource) }

// edge returns the ARN of a resource in us-east-1, where CloudFront's
// certificates and log deliveries must be.
func (s Scope) edge(service, resource string) string {
	return "arn:aws:" + service + ":us-east-1:" + s.Account + ":" + resource
}

// when returns a condition of one operator on some keys.
func when(operator string, keys map[string][]string) Condition { return Condition{operator: keys} }

// ownTags asks that the resource is tagged as the environment's.
func (s Scope) ownTags() Condition {
	return when("StringEquals", s.tags("aws:ResourceTag/"))
}

// newTags asks that what is made is tagged as the environment's.
func (s Scope) newTags() Condition {
	return when("StringEquals", s.tags("aws:RequestTag/"))
}

// tagging asks that neither the resource nor its new tags are another
// environment's. Of a resource that is being made, and of tags that are not
// among the changed ones, AWS says nothing.
func (s Scope) tagging() Condition {
	keys := s.tags("aws:ResourceTag/")
	for key, value := range s.tags("aws:RequestTag/") {
		keys[key] = value
	}
	return when("StringEqualsIfExists", keys)
}

// tags are those that the stack gives to everything it can.
func (s Scope) tags(prefix string) map[string][]string {
	return map[string][]string{prefix + "project": {s.Project}, prefix + "stack": {s.Environment}}
}
