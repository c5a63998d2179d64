package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// settings are the program's configuration, described in Pulumi.yaml.
type settings struct {
	project       string
	region        string
	repository    string
	subjectPrefix string
	oidcProvider  bool
	environments  []environment
}

// environment is one environment of the account.
type environment struct {
	// Name is the stack's, and that of the GitHub environment that deploys it.
	Name string `json:"name"`
	// Branch is the one that may be deployed; empty means main.
	Branch string `json:"branch"`
	// HostedZoneIDs and KMSKeyARNs are what the stack's config names.
	HostedZoneIDs []string `json:"hostedZoneIds"`
	KMSKeyARNs    []string `json:"kmsKeyArns"`
	// ExistingBuckets are the buckets that the stack serves and did not make,
	// ManagedBuckets those whose policy or notifications it writes, and
	// ExistingKMSKeyARNs the keys that encrypt them.
	ExistingBuckets    []string `json:"existingBuckets"`
	ManagedBuckets     []string `json:"managedBuckets"`
	ExistingKMSKeyARNs []string `json:"existingKmsKeyArns"`
	// UnnamedARNs are what CloudFront names by id alone, and the other
	// environments of the account must be kept from.
	UnnamedARNs []string `json:"unnamedArns"`
}

// keys are all keys of the program. Pulumi passes on any, so a misspelt one
// would leave a default in force.
var keys = []string{"environments", "oidcProvider", "project", "repository", "subjectPrefix"}

// unnamedKinds are what CloudFront names by id alone.
const unnamedKinds = "cache-policy|key-value-store|origin-access-control|origin-request-policy|response-headers-policy"

var (
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)
	subjectForm    = regexp.MustCompile(`^repo:([A-Za-z0-9-]+)(@[0-9]+)?/([A-Za-z0-9._-]+)(@[0-9]+)?$`)
	branchForm     = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)
	zoneForm       = regexp.MustCompile(`^Z[A-Z0-9]+$`)
	bucketForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	keyForm        = regexp.MustCompile(`^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$`)
	unnamedForm    = regexp.MustCompile(`^arn:aws:cloudfront::[0-9]{12}:(` + unnamedKinds + `)/[A-Za-z0-9-]+$`)
)

// load reads and validates the configuration of the program, by full key. The
// error lists every problem.
func load(program string, config map[string]string) (settings, error) {
	get := func(key string) string { return config[program+":"+key] }
	s := settings{
		project: get("project"), region: config["aws:region"], repository: get("repository"),
		subjectPrefix: get("subjectPrefix"),
	}
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	var err error
	if s.oidcProvider, err = strconv.ParseBool(get("oidcProvider")); err != nil {
		problem("config oidcProvider must be true or false")
	}
	strict := json.NewDecoder(bytes.NewReader([]byte(get("environments"))))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&s.environments); err != nil {
		problem("config environments: %w", err)
	}
	if s.region == "" {
		problem("config aws:region is missing: set the region of the state buckets and the secrets keys")
	}
	if !repositoryForm.MatchString(s.repository) {
		problem("config repository is %q: it must be OWNER/NAME", s.repository)
	}
	if form := subjectForm.FindStringSubmatch(s.subjectPrefix); form == nil {
		problem("config subjectPrefix is %q: it must be repo:OWNER/NAME or repo:OWNER@ID/NAME@ID", s.subjectPrefix)
	} else if !strings.EqualFold(form[1]+"/"+form[3], s.repository) {
		problem("config subjectPrefix is of another repository than %s", s.repository)
	}
	if len(s.environments) == 0 {
		problem("config environments names none")
	}
	for _, full := range slices.Sorted(maps.Keys(config)) {
		if key, ours := strings.CutPrefix(full, program+":"); ours && !slices.Contains(keys, key) {
			problem("config %s is not known: the keys are %s", key, strings.Join(keys, ", "))
		}
	}
	seen := map[string]bool{}
	for i := range s.environments {
		e := &s.environments[i]
		if e.Branch == "" {
			e.Branch = "main"
		}
		if seen[e.Name] {
			problem("config environments names %s twice", e.Name)
		}
		seen[e.Name] = true
		for _, check := range []struct {
			field  string
			form   *regexp.Regexp
			values []string
		}{
			{"branch", branchForm, []string{e.Branch}}, {"hostedZoneIds", zoneForm, e.HostedZoneIDs},
			{"kmsKeyArns", keyForm, e.KMSKeyARNs}, {"unnamedArns", unnamedForm, e.UnnamedARNs},
			{"existingBuckets", bucketForm, e.ExistingBuckets}, {"managedBuckets", bucketForm, e.ManagedBuckets},
			{"existingKmsKeyArns", keyForm, e.ExistingKMSKeyARNs},
		} {
			for _, value := range check.values {
				if !check.form.MatchString(value) {
					problem(
						"config environments: %s of %s is %q, which has not the form that AWS or Git gives it",
						check.field, e.Name, value,
					)
				}
			}
		}
	}
	return s, errors.Join(problems...)
}
