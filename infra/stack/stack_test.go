package stack_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

// roles are all logical names that do not follow from configuration. A name is
// a resource's identity: one that disappears from here is a resource that
// Pulumi deletes, and one that is renamed is replaced with all it holds.
var roles = []string{
	"access", "cdn", "content", "cors", "dead-events", "edge", "events", "gate", "headers", "images", "issuer", "logs",
	"mappings", "overview", "public", "session", "session-gate",
}

// derived are the forms of names that follow from configuration: one resource
// per region, address, domain name, principal or generation of link keys.
var derived = regexp.MustCompile(`^(edge|refusals|mappings|alarms|(HighLatency|EdgeThrottled|TableThrottled|TableFailed))-[a-z]+-[a-z]+-\d$|` +
	`^[^ ]+@[^ ]+-[a-z]+-[a-z]+-\d$|^(proof-)?(\*\.)?[a-z.]+(-ipv[46])?$|` +
	`^(call|invoke)-(images|session|\d{12}[A-Za-z0-9-]*)$|^key-\d{1,` +
	`3}$|^content-[0-9a-z-]{36}$`)

// single are the alarms that exist once.
var single = []string{
	"HighErrorRate", "ClientErrorSurge", "EdgeFailed", "EdgeAnswerRefused", "EdgeLimitExceeded", "TableWritesThrottled",
	"IssuerFailed",
	"IssuerAnswersErrors", "IssuerThrottled", "EventsLost", "EventsLate", "RevocationListFull", "RevocationListFilling",
	"GateFailed", "GateAnswerRefused", "GateThrottled", "PublicFailed", "PublicAnswerRefused", "PublicThrottled",
	"HeadersFailed", "HeadersAnswerRefused", "HeadersThrottled",
	"ImagesFailed", "ImagesAnswersErrors", "ImagesThrottled", "ImagesSlow",
	"SessionFailed", "SessionAnswersErrors", "SessionThrottled",
	"SessionGateFailed", "SessionGateAnswerRefused", "SessionGateThrottled",
}

func TestLogicalNamesAreRolesAndNeverTypesOrStages(t *testing.T) {
	seen := map[string]bool{}
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for _, r := range doc.Resources {
			seen[r.Name] = true
			if r.Type == "pulumi:providers:aws" {
				continue
			}
			known := slices.Contains(roles, r.Name) || slices.Contains(single, r.Name) || derived.MatchString(r.Name)
			assert.True(t, known, "%s %q is a new name: add it to the known ones if it is meant", r.Type, r.Name)
			for _, word := range []string{"dev", "prod", "everything", "bucket", "table", "function", "policy", "distribution",
				"role"} {
				assert.False(t, slices.Contains(strings.Split(strings.ToLower(r.Name), "-"), word) &&
					!strings.HasPrefix(r.Name, "call-") && !strings.HasPrefix(r.Name, "invoke-"), "%s carries %q", r.Name, word)
			}
		}
	})
	for _, name := range append(slices.Clone(roles), single...) {
		assert.True(t, seen[name], "nothing is named %s any more: what was will be deleted", name)
	}
}

func TestNamesDoNotDependOnTheStage(t *testing.T) {
	names := func(stage string) (all []string) {
		doc, err := evaluate("everything", nil, stageNamed(stage))
		require.NoError(t, err)
		for _, r := range doc.Resources {
			all = append(all, r.Type+" "+r.Name)
		}
		return all
	}
	assert.Equal(t, names("one"), names("two"))
}

func TestAPreviewRegistersWhatAnUpdateDoes(t *testing.T) {
	for _, name := range stacks {
		t.Run(name, func(t *testing.T) {
			preview, err := evaluate(name, nil, func(o *recorder.Options) { o.DryRun = true })
			require.NoError(t, err)
			var previewed, updated []string
			for _, r := range preview.Resources {
				previewed = append(previewed, r.Type+" "+r.Name)
			}
			for _, r := range planOf(t, name, nil).Resources {
				updated = append(updated, r.Type+" "+r.Name)
			}
			assert.Equal(t, updated, previewed, "no resource may hang on another's computed property")
		})
	}
}

func TestNoInputIsEmpty(t *testing.T) {
	// An output that the recorder forgot reads as an empty text.
	allowed := regexp.MustCompile(`^\.environment\.variables\.MEDIA_((PUBLIC|PRIVATE|TICKET)_SERVICES|VARIANTS|VIEWER_COOKIE_DOMAIN)$`)
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for _, r := range doc.Resources {
			walk("", r.Inputs, func(path string, v any) {
				if text, ok := v.(string); ok && !allowed.MatchString(path) {
					assert.NotEmpty(t, text, "%s %s%s", r.Type, r.Name, path)
					for _, hole := range []string{"::function:", "%!", "<nil>", ",,"} {
						assert.NotContains(t, text, hole, "%s %s%s", r.Type, r.Name, path)
					}
				}
			})
		}
	})
}

func TestADisposableStackGoesAwayWithEverythingInIt(t *testing.T) {
	doc := planOf(t, "dev", nil)
	for _, r := range doc.Resources {
		assert.False(t, r.Options.Protect, "%s %s", r.Type, r.Name)
	}
	assert.Equal(t, true, find(t, doc, "BucketV2", "content").Inputs["forceDestroy"])
	assert.Equal(t, false, find(t, doc, "Table", "mappings").Inputs["deletionProtectionEnabled"])
}

func TestAProtectedStackResistsDeletion(t *testing.T) {
	for _, name := range []string{"prod", "everything"} {
		doc := planOf(t, name, nil)
		var protected []string
		for _, r := range doc.Resources {
			if r.Options.Protect {
				protected = append(protected, r.Name)
			}
		}
		if name == "everything" {
			assert.Subset(t, protected, []string{"mappings-us-east-1", "mappings-ap-southeast-2"})
		}
		assert.Subset(t, protected, []string{"content", "logs", "mappings", "cdn", "overview"})
		assert.Equal(t, false, find(t, doc, "BucketV2", "content").Inputs["forceDestroy"])
		assert.Equal(t, false, find(t, doc, "BucketV2", "logs").Inputs["forceDestroy"])
		assert.Equal(t, true, find(t, doc, "Table", "mappings").Inputs["deletionProtectionEnabled"])
	}
}

func TestAProtectedStackRefusesToBeDestroyedBeforeAnythingIsGone(t *testing.T) {
	// Pulumi deletes first what waits for others, and stops at what is protected.
	for _, name := range []string{"prod", "everything"} {
		doc := planOf(t, name, nil)
		last := find(t, doc, "Dashboard", "overview")
		assert.True(t, last.Options.Protect)
		for _, r := range doc.Resources {
			key := r.Type + "::" + r.Name
			assert.NotContains(t, r.Options.DependsOn, last.Type+"::"+last.Name, "%s is deleted before it", key)
			kind := r.Type[strings.LastIndex(r.Type, ":")+1:]
			if slices.Contains([]string{"MetricAlarm", "Distribution", "Table", "Function"}, kind) {
				// It waits for what it shows: that is no further dependency.
				assert.Contains(t, last.Inputs["dashboardBody"], r.ID, key)
			} else if r.Name != last.Name {
				assert.Contains(t, last.Options.DependsOn, key)
			}
		}
	}
}

func TestEverythingWithTagsBelongsToTheStack(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for _, kind := range []string{"BucketV2", "Table", "Distribution", "Role", "Topic", "MetricAlarm", "LogGroup",
			"Secret", "Certificate"} {
			for _, r := range kinds(doc, kind) {
				assert.Equal(t, "secure-media-cdn", at(r.Inputs, "tags.project"), "%s %s", kind, r.Name)
				assert.NotEmpty(t, at(r.Inputs, "tags.stack"))
			}
		}
		assert.NotEmpty(t, at(find(t, doc, "Function", "edge").Inputs, "tags.stack"), "make sweep finds it by its tags")
	})
}
