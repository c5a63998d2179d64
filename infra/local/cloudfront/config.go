package cloudfront

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/go-viper/mapstructure/v2"
)

// The inputs of the resources that make up a distribution, under the names that
// pulumi-aws v6 gives them. Every property of the SDK that is not a field here
// stops New; what becomes of each field is decided in resolve.go.

type distributionInputs struct {
	Aliases                      []string            `mapstructure:"aliases"`
	Comment                      string              `mapstructure:"comment"`
	ContinuousDeploymentPolicyID string              `mapstructure:"continuousDeploymentPolicyId"`
	CustomErrorResponses         []errorInputs       `mapstructure:"customErrorResponses"`
	DefaultCacheBehavior         behaviourInputs     `mapstructure:"defaultCacheBehavior"`
	DefaultRootObject            string              `mapstructure:"defaultRootObject"`
	Enabled                      bool                `mapstructure:"enabled"`
	HTTPVersion                  string              `mapstructure:"httpVersion"`
	IsIPv6Enabled                bool                `mapstructure:"isIpv6Enabled"`
	LoggingConfig                map[string]any      `mapstructure:"loggingConfig"`
	OrderedCacheBehaviors        []behaviourInputs   `mapstructure:"orderedCacheBehaviors"`
	OriginGroups                 []map[string]any    `mapstructure:"originGroups"`
	Origins                      []originInputs      `mapstructure:"origins"`
	PriceClass                   string              `mapstructure:"priceClass"`
	Restrictions                 *restrictionsInputs `mapstructure:"restrictions"`
	RetainOnDelete               bool                `mapstructure:"retainOnDelete"`
	Staging                      bool                `mapstructure:"staging"`
	Tags                         map[string]string   `mapstructure:"tags"`
	ViewerCertificate            map[string]any      `mapstructure:"viewerCertificate"`
	WaitForDeployment            *bool               `mapstructure:"waitForDeployment"`
	WebACLID                     string              `mapstructure:"webAclId"`
}

type errorInputs struct {
	ErrorCachingMinTTL *int   `mapstructure:"errorCachingMinTtl"`
	ErrorCode          int    `mapstructure:"errorCode"`
	ResponseCode       int    `mapstructure:"responseCode"`
	ResponsePagePath   string `mapstructure:"responsePagePath"`
}

type restrictionsInputs struct {
	GeoRestriction struct {
		Locations       []string `mapstructure:"locations"`
		RestrictionType string   `mapstructure:"restrictionType"`
	} `mapstructure:"geoRestriction"`
}

type behaviourInputs struct {
	PathPattern             string         `mapstructure:"pathPattern"`
	TargetOriginID          string         `mapstructure:"targetOriginId"`
	AllowedMethods          []string       `mapstructure:"allowedMethods"`
	CachedMethods           []string       `mapstructure:"cachedMethods"`
	ViewerProtocolPolicy    string         `mapstructure:"viewerProtocolPolicy"`
	Compress                bool           `mapstructure:"compress"`
	CachePolicyID           string         `mapstructure:"cachePolicyId"`
	OriginRequestPolicyID   string         `mapstructure:"originRequestPolicyId"`
	ResponseHeadersPolicyID string         `mapstructure:"responseHeadersPolicyId"`
	FunctionAssociations    []associated   `mapstructure:"functionAssociations"`
	LambdaAssociations      []associated   `mapstructure:"lambdaFunctionAssociations"`
	FieldLevelEncryptionID  string         `mapstructure:"fieldLevelEncryptionId"`
	ForwardedValues         map[string]any `mapstructure:"forwardedValues"`
	DefaultTTL              *int           `mapstructure:"defaultTtl"`
	MinTTL                  *int           `mapstructure:"minTtl"`
	MaxTTL                  *int           `mapstructure:"maxTtl"`
	GrpcConfig              struct {
		Enabled bool `mapstructure:"enabled"`
	} `mapstructure:"grpcConfig"`
	RealtimeLogConfigARN string   `mapstructure:"realtimeLogConfigArn"`
	SmoothStreaming      bool     `mapstructure:"smoothStreaming"`
	TrustedKeyGroups     []string `mapstructure:"trustedKeyGroups"`
	TrustedSigners       []string `mapstructure:"trustedSigners"`
}

type associated struct {
	EventType   string `mapstructure:"eventType"`
	FunctionARN string `mapstructure:"functionArn"`
	LambdaARN   string `mapstructure:"lambdaArn"`
	IncludeBody bool   `mapstructure:"includeBody"`
}

type originInputs struct {
	OriginID              string `mapstructure:"originId"`
	DomainName            string `mapstructure:"domainName"`
	OriginPath            string `mapstructure:"originPath"`
	OriginAccessControlID string `mapstructure:"originAccessControlId"`
	ConnectionAttempts    *int   `mapstructure:"connectionAttempts"`
	ConnectionTimeout     *int   `mapstructure:"connectionTimeout"`
	CustomHeaders         []struct {
		Name  string `mapstructure:"name"`
		Value string `mapstructure:"value"`
	} `mapstructure:"customHeaders"`
	CustomOriginConfig map[string]any `mapstructure:"customOriginConfig"`
	VpcOriginConfig    map[string]any `mapstructure:"vpcOriginConfig"`
	OriginShield       *struct {
		Enabled            bool   `mapstructure:"enabled"`
		OriginShieldRegion string `mapstructure:"originShieldRegion"`
	} `mapstructure:"originShield"`
	S3OriginConfig *struct {
		OriginAccessIdentity string `mapstructure:"originAccessIdentity"`
	} `mapstructure:"s3OriginConfig"`
}

type accessControlInputs struct {
	Name            string `mapstructure:"name"`
	Description     string `mapstructure:"description"`
	OriginType      string `mapstructure:"originAccessControlOriginType"`
	SigningBehavior string `mapstructure:"signingBehavior"`
	SigningProtocol string `mapstructure:"signingProtocol"`
}

type functionInputs struct {
	Name                      string   `mapstructure:"name"`
	Comment                   string   `mapstructure:"comment"`
	Code                      string   `mapstructure:"code"`
	Runtime                   string   `mapstructure:"runtime"`
	Publish                   *bool    `mapstructure:"publish"`
	KeyValueStoreAssociations []string `mapstructure:"keyValueStoreAssociations"`
}

type bucketPolicyInputs struct {
	Bucket string `mapstructure:"bucket"`
	Policy string `mapstructure:"policy"`
}

// decode reads the inputs of the resource called where into out. It reports
// every property that out does not have, and every value of the wrong type, by
// its property path.
func decode(where string, inputs map[string]any, out any) error {
	var meta mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result: out, Metadata: &meta, DecodeHook: wholeNumbers,
		// Property names are exact; mapstructure would take any case.
		MatchName: func(mapKey, fieldName string) bool { return mapKey == fieldName },
	})
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	var problems []error
	if err := decoder.Decode(inputs); err != nil {
		problems = append(problems, fmt.Errorf("%s: %w", where, err))
	}
	slices.Sort(meta.Unused)
	for _, path := range meta.Unused {
		problems = append(problems, fmt.Errorf("%s: %s is not implemented by the local CloudFront", where, path))
	}
	return errors.Join(problems...)
}

// wholeNumbers refuses to cut the fraction off a JSON number, as mapstructure
// would.
func wholeNumbers(_, to reflect.Type, data any) (any, error) {
	if f, ok := data.(float64); ok && to.Kind() == reflect.Int && f != math.Trunc(f) {
		return nil, fmt.Errorf("%v is not a whole number", f)
	}
	return data, nil
}
