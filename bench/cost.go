package bench

// prices are what AWS bills, in dollars, and how much of it one variant takes
// that no cache has.
type prices struct {
	// Requests is CloudFront's fee for a million HTTPS requests, GateRuns that for
	// a million runs of a CloudFront Function, and StoreReads that for a million
	// reads of the key value store.
	// https://aws.amazon.com/cloudfront/pricing/
	Requests, GateRuns, StoreReads float64
	// EdgeRuns is Lambda@Edge's fee for a million runs, and EdgeSecond that for a
	// gigabyte of memory during a second. ImageRuns and ImageSecond are Lambda's,
	// for arm64. https://aws.amazon.com/lambda/pricing/
	EdgeRuns, EdgeSecond, ImageRuns, ImageSecond float64
	// TableReads is DynamoDB's fee for a million consistent reads.
	// https://aws.amazon.com/dynamodb/pricing/on-demand/
	TableReads float64
	// ObjectReads is S3's fee for a million GETs. https://aws.amazon.com/s3/pricing/
	ObjectReads float64

	// EdgeGigabytes and ImageGigabytes are the functions' memory, EdgeSeconds how
	// long the edge function takes, and ObjectSeconds how long S3 takes to send a
	// photo.
	EdgeGigabytes, ImageGigabytes, EdgeSeconds, ObjectSeconds float64
}

// usPrices are the list prices of the United States as of 2026, without free
// tiers, with the default memory of both functions.
var usPrices = prices{
	Requests: 1.00, GateRuns: 0.10, StoreReads: 0.03,
	EdgeRuns: 0.60, EdgeSecond: 0.00005001, ImageRuns: 0.20, ImageSecond: 0.0000133334,
	TableReads: 0.125, ObjectReads: 0.40,
	EdgeGigabytes: edgeMemoryMB / 1024.0, ImageGigabytes: imageMemoryMB / 1024.0, EdgeSeconds: 0.020, ObjectSeconds: 0.050,
}

// millionVariants returns what a million variants cost that each take so many
// seconds to make. There are two runs of CloudFront Functions for each, the gate
// and the one that adds headers, and two reads of the store, a key and the list
// of revoked links. Data transfer is not part of it.
func (p prices) millionVariants(seconds float64) float64 {
	viewer := p.Requests + 2*p.GateRuns + 2*p.StoreReads
	edge := p.EdgeRuns + 1e6*p.EdgeGigabytes*p.EdgeSeconds*p.EdgeSecond + p.TableReads
	image := p.ImageRuns + 1e6*p.ImageGigabytes*(seconds+p.ObjectSeconds)*p.ImageSecond + p.ObjectReads
	return viewer + edge + image
}
