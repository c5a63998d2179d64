package mapping

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// edgeRegions are where Lambda@Edge runs: the regions of its service-linked
// role. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html
var edgeRegions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-south-1", "ap-northeast-1", "ap-northeast-2",
	"ap-southeast-1", "ap-southeast-2", "eu-central-1", "eu-west-1", "eu-west-2", "sa-east-1",
}

func TestTheNearestRegionComesFirst(t *testing.T) {
	replicas := []string{"us-east-1", "eu-west-1", "ap-northeast-1"}
	for here, want := range map[string][]string{
		"us-east-1":      {"us-east-1", "eu-west-1", "ap-northeast-1"},
		"us-east-2":      {"us-east-1", "eu-west-1", "ap-northeast-1"},
		"us-west-1":      {"us-east-1", "ap-northeast-1", "eu-west-1"},
		"us-west-2":      {"us-east-1", "ap-northeast-1", "eu-west-1"},
		"ap-south-1":     {"eu-west-1", "ap-northeast-1", "us-east-1"},
		"ap-northeast-1": {"ap-northeast-1", "us-east-1", "eu-west-1"},
		"ap-northeast-2": {"ap-northeast-1", "us-east-1", "eu-west-1"},
		"ap-southeast-1": {"ap-northeast-1", "eu-west-1", "us-east-1"},
		"ap-southeast-2": {"ap-northeast-1", "us-east-1", "eu-west-1"},
		"eu-central-1":   {"eu-west-1", "us-east-1", "ap-northeast-1"},
		"eu-west-1":      {"eu-west-1", "us-east-1", "ap-northeast-1"},
		"eu-west-2":      {"eu-west-1", "us-east-1", "ap-northeast-1"},
		"sa-east-1":      {"us-east-1", "eu-west-1", "ap-northeast-1"},
	} {
		assert.Equal(t, want, Nearest(here, replicas), "from %s", here)
	}
}

func TestCablesDecideNotTheGlobe(t *testing.T) {
	for _, tt := range []struct {
		here string
		want []string
	}{
		{"sa-east-1", []string{"us-east-1", "us-west-2", "eu-west-1", "af-south-1"}},
		{"ap-northeast-1", []string{"us-west-2", "ap-south-1", "us-east-1", "eu-west-1"}},
		{"ap-south-1", []string{"me-central-1", "ap-southeast-1", "eu-central-1", "ap-northeast-1", "af-south-1",
			"us-east-1"}},
		{"ap-southeast-1", []string{"ap-southeast-3", "ap-south-1", "me-south-1", "eu-central-1", "us-west-2"}},
		{"ap-southeast-2", []string{"ap-southeast-4", "ap-southeast-1", "us-west-1", "us-east-1", "eu-west-1", "af-south-1"}},
		{"eu-central-1", []string{"eu-central-2", "eu-west-3", "eu-west-1", "il-central-1", "us-east-1", "ap-south-1",
			"me-central-1", "af-south-1"}},
		{"us-west-2", []string{"us-west-1", "us-east-1", "ap-northeast-1", "eu-west-1"}},
		{"us-east-2", []string{"us-east-1", "mx-central-1", "us-west-2", "ca-west-1"}},
	} {
		given := slices.Sorted(slices.Values(tt.want))
		assert.Equal(t, tt.want, Nearest(tt.here, given), "from %s", tt.here)
	}
}

func TestEveryRegionHasItsPlace(t *testing.T) {
	all := append(slices.Collect(maps.Keys(branches)), hubs...)
	assert.Len(t, all, 34, "the regions of the aws partition that DynamoDB runs in")
	assert.Len(t, roundTrips, len(hubs))
	assert.IsIncreasing(t, hubs)
	for i, row := range roundTrips {
		assert.Len(t, row, i, "the row of %s", hubs[i])
	}
	for region, b := range branches {
		assert.Contains(t, hubs, b.hub, region)
		assert.NotContains(t, hubs, region)
	}
	for _, a := range all {
		assert.Equal(t, a, Nearest(a, all)[0])
		for _, b := range all {
			assert.Equal(t, distance(a, b), distance(b, a))
			assert.Less(t, distance(a, b), 500, "%s to %s", a, b)
			if a != b {
				assert.Positive(t, distance(a, b))
			}
		}
	}
	for _, region := range edgeRegions {
		assert.Contains(t, hubs, region, "what runs us is measured, not estimated")
	}
}

func TestWhatIsNotKnownKeepsItsOrderAtTheEnd(t *testing.T) {
	assert.Equal(t, []string{"eu-west-1", "xx-new-2", "xx-new-1"},
		Nearest("eu-west-2", []string{"xx-new-2", "xx-new-1", "eu-west-1"}))
	assert.Equal(t, []string{"b", "a"}, Nearest("xx-new-1", []string{"b", "a"}))
	assert.Equal(t, []string{"xx-new-1", "eu-west-1"}, Nearest("xx-new-1", []string{"eu-west-1", "xx-new-1"}),
		"the region itself is known to be near")
	given := []string{"eu-west-1", "us-east-1"}
	Nearest("us-east-1", given)
	assert.Equal(t, []string{"eu-west-1", "us-east-1"}, given, "the argument is not changed")
}
