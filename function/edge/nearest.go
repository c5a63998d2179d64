package edge

import (
	"cmp"
	"math"
	"slices"
)

// place is where a region lies, in degrees north and east.
type place struct{ north, east float64 }

// places holds the regions of the aws partition that DynamoDB runs in, by the
// city or state that AWS names them after.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var places = map[string]place{
	"af-south-1":     {-33.9, 18.4},
	"ap-east-1":      {22.3, 114.2},
	"ap-east-2":      {25.0, 121.5},
	"ap-northeast-1": {35.7, 139.7},
	"ap-northeast-2": {37.6, 127.0},
	"ap-northeast-3": {34.7, 135.5},
	"ap-south-1":     {19.1, 72.9},
	"ap-south-2":     {17.4, 78.5},
	"ap-southeast-1": {1.4, 103.8},
	"ap-southeast-2": {-33.9, 151.2},
	"ap-southeast-3": {-6.2, 106.8},
	"ap-southeast-4": {-37.8, 145.0},
	"ap-southeast-5": {3.1, 101.7},
	"ap-southeast-6": {-36.8, 174.8},
	"ap-southeast-7": {13.8, 100.5},
	"ca-central-1":   {45.5, -73.6},
	"ca-west-1":      {51.0, -114.1},
	"eu-central-1":   {50.1, 8.7},
	"eu-central-2":   {47.4, 8.5},
	"eu-north-1":     {59.3, 18.1},
	"eu-south-1":     {45.5, 9.2},
	"eu-south-2":     {41.6, -0.9},
	"eu-west-1":      {53.3, -6.3},
	"eu-west-2":      {51.5, -0.1},
	"eu-west-3":      {48.9, 2.4},
	"il-central-1":   {32.1, 34.8},
	"me-central-1":   {24.5, 54.4},
	"me-south-1":     {26.1, 50.6},
	"mx-central-1":   {20.6, -100.4},
	"sa-east-1":      {-23.5, -46.6},
	"us-east-1":      {39.0, -77.5},
	"us-east-2":      {40.0, -83.0},
	"us-west-1":      {37.4, -121.9},
	"us-west-2":      {45.8, -119.7},
}

// Nearest returns regions in order of their distance from the region here, the
// nearest first. Cables follow the great circle closely enough to put regions
// in order, and no table of measured times stays true for long. Regions whose
// place is not known, and all of them if here's is not, keep their order behind
// those that can be placed.
func Nearest(here string, regions []string) []string {
	from, known := places[here]
	distance := func(region string) float64 {
		to, ok := places[region]
		if region == here {
			return 0
		}
		if !known || !ok {
			return math.Inf(1)
		}
		return angle(from, to)
	}
	sorted := slices.Clone(regions)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	return sorted
}

// angle returns the great-circle distance between two places, in radians.
func angle(a, b place) float64 {
	const degree = math.Pi / 180
	lat1, lat2, east := a.north*degree, b.north*degree, (b.east-a.east)*degree
	cosine := math.Sin(lat1)*math.Sin(lat2) + math.Cos(lat1)*math.Cos(lat2)*math.Cos(east)
	return math.Acos(min(1, max(-1, cosine)))
}
