package mapping

import (
	"cmp"
	"math"
	"slices"
)

// hubs are the regions between which round trips were measured, in the order
// of the rows of roundTrips.
var hubs = []string{
	"af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
	"ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3",
	"me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// roundTrips holds the milliseconds between two hubs, medians over a month of
// 2020 as cloudping.co measured them, to the hubs that come before. They drift
// by a few per cent over the years, and only their order matters. Geography would
// not do: from São Paulo, Cape Town is nearer than Virginia on the globe and
// three times as far by cable, and from Tokyo so is Dublin.
// https://github.com/mda590/cloudping.co
var roundTrips = [][]int{
	{},
	{260},
	{358, 54},
	{389, 38, 35},
	{170, 99, 132, 131},
	{223, 42, 74, 76, 60},
	{411, 135, 112, 146, 149, 94},
	{227, 194, 143, 171, 190, 209, 197},
	{200, 195, 224, 229, 120, 156, 288, 93},
	{180, 219, 241, 270, 141, 177, 296, 111, 23},
	{193, 192, 216, 224, 113, 150, 242, 104, 12, 32},
	{159, 219, 204, 233, 125, 181, 259, 76, 27, 45, 38},
	{147, 207, 210, 239, 113, 170, 264, 80, 16, 33, 26, 12},
	{153, 204, 217, 245, 106, 163, 280, 86, 10, 30, 19, 19, 10},
	{164, 136, 165, 167, 39, 89, 188, 217, 129, 152, 127, 143, 136, 131},
	{338, 310, 259, 287, 303, 324, 312, 128, 206, 220, 215, 181, 191, 198, 321},
	{224, 199, 148, 177, 189, 214, 201, 18, 91, 109, 102, 69, 79, 84, 203, 118},
	{235, 185, 134, 162, 199, 200, 191, 29, 102, 122, 113, 90, 88, 95, 215, 128, 17},
	{284, 158, 110, 138, 235, 179, 140, 80, 152, 169, 162, 138, 139, 145, 264, 179, 63, 52},
	{274, 147, 101, 128, 225, 169, 141, 62, 141, 160, 153, 121, 129, 135, 256, 178, 73, 49, 23},
}

// branch is a region that was not measured: its hub, and an estimate of the
// milliseconds to it from the distance between the two.
type branch struct {
	hub string
	ms  int
}

var branches = map[string]branch{
	"ap-east-2":      {"ap-east-1", 15},
	"ap-northeast-3": {"ap-northeast-1", 9},
	"ap-south-2":     {"ap-south-1", 20},
	"ap-southeast-3": {"ap-southeast-1", 14},
	"ap-southeast-4": {"ap-southeast-2", 12},
	"ap-southeast-5": {"ap-southeast-1", 8},
	"ap-southeast-6": {"ap-southeast-2", 26},
	"ap-southeast-7": {"ap-southeast-1", 27},
	"ca-west-1":      {"us-west-2", 20},
	"eu-central-2":   {"eu-central-1", 8},
	"eu-south-2":     {"eu-west-3", 17},
	"il-central-1":   {"eu-south-1", 45},
	"me-central-1":   {"me-south-1", 8},
	"mx-central-1":   {"us-east-2", 45},
}

// Nearest returns regions in order of their distance from the region here, the
// nearest first. A region that is not known is the farthest, and where here is
// not known all others are: they keep their order, home first.
func Nearest(here string, regions []string) []string {
	sorted := slices.Clone(regions)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(distance(here, a), distance(here, b)) })
	return sorted
}

// distance returns the round trip between two regions in milliseconds.
func distance(a, b string) int {
	if a == b {
		return 0
	}
	from, near := hub(a)
	to, far := hub(b)
	if from < 0 || to < 0 {
		return math.MaxInt
	}
	if from == to {
		return near + far
	}
	return near + roundTrips[max(from, to)][min(from, to)] + far
}

// hub returns the index of a region's hub, -1 if there is none, and the
// milliseconds to it.
func hub(region string) (int, int) {
	b, ok := branches[region]
	if !ok {
		b.hub = region
	}
	return slices.Index(hubs, b.hub), b.ms
}
