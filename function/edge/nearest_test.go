package edge

import (
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
		"us-west-1":      {"us-east-1", "eu-west-1", "ap-northeast-1"},
		"us-west-2":      {"us-east-1", "eu-west-1", "ap-northeast-1"},
		"ap-south-1":     {"ap-northeast-1", "eu-west-1", "us-east-1"},
		"ap-northeast-1": {"ap-northeast-1", "eu-west-1", "us-east-1"},
		"ap-northeast-2": {"ap-northeast-1", "eu-west-1", "us-east-1"},
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

func TestARegionIsNearestToItself(t *testing.T) {
	all := make([]string, 0, len(places))
	for region := range places {
		all = append(all, region)
	}
	for region := range places {
		assert.Equal(t, region, Nearest(region, all)[0])
	}
	for _, region := range edgeRegions {
		assert.Contains(t, places, region)
	}
}

func TestWhatIsNotKnownKeepsItsOrderAtTheEnd(t *testing.T) {
	assert.Equal(t, []string{"eu-west-1", "xx-new-2", "xx-new-1"}, Nearest("eu-west-2", []string{"xx-new-2", "xx-new-1", "eu-west-1"}))
	assert.Equal(t, []string{"b", "a"}, Nearest("xx-new-1", []string{"b", "a"}))
	assert.Equal(t, []string{"xx-new-1", "eu-west-1"}, Nearest("xx-new-1", []string{"eu-west-1", "xx-new-1"}), "the region itself is known to be near")
	given := []string{"eu-west-1", "us-east-1"}
	Nearest("us-east-1", given)
	assert.Equal(t, []string{"eu-west-1", "us-east-1"}, given, "the argument is not changed")
}
