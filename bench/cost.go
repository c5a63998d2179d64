package bench

import "secure-media-cdn/bench/price"

// edgeSeconds is how long the edge function takes, and objectSeconds how long S3
// takes to send a photo.
const edgeSeconds, objectSeconds = 0.020, 0.050

// millionVariants returns what a million variants cost, in dollars, that no cache
// has and that each take so many seconds to make, with the default memory of both
// functions. There are two runs of CloudFront Functions for each, the gate and the
// one that adds headers, and two reads of the store, a key and the list of revoked
// links. Data transfer is not part of it.
func millionVariants(seconds float64) float64 {
	viewer := price.Requests + 2*price.FunctionRuns + 2*price.StoreReads
	edge := price.EdgeRuns + 1e6*edgeMemoryMB/1024*edgeSeconds*price.EdgeSecond + price.TableReads
	image := price.LambdaRuns + 1e6*imageMemoryMB/1024*(seconds+objectSeconds)*price.LambdaSecond + price.ObjectReads
	return viewer + edge + image
}
